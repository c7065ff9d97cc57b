-- Bodies and specs that nothing refers to are collected. `touched_sequence` is the latest batch that wrote the
-- row or, give or take 10,000 batches, referred to it: one that did so after the collector looked keeps it.
ALTER TABLE millrace.bodies ADD COLUMN touched_sequence bigint NOT NULL DEFAULT 0;
ALTER TABLE millrace.specs ADD COLUMN touched_sequence bigint NOT NULL DEFAULT 0;

-- As before, and rows of the default partition that came before their own was there.
CREATE OR REPLACE FUNCTION millrace.drop_log_partitions(sequence bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  size CONSTANT bigint := 100000;
  name text;
  dropped integer := 0;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'millrace.log'::regclass AND c.relname ~ '^log_[0-9]+$'
      AND (substr(c.relname, 5)::bigint + 1) * size <= sequence
  LOOP
    EXECUTE format('DROP TABLE millrace.%I', name);
    dropped := dropped + 1;
  END LOOP;
  EXECUTE 'DELETE FROM millrace.log_default WHERE sequence < $1' USING sequence;
  RETURN dropped;
END $$;

CREATE OR REPLACE FUNCTION millrace.drop_run_partitions(before_ms bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  size CONSTANT bigint := 7 * 24 * 3600 * 1000;
  parent text;
  name text;
  dropped integer := 0;
BEGIN
  FOREACH parent IN ARRAY millrace.run_tables() LOOP
    FOR name IN
      SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = format('millrace.%I', parent)::regclass AND c.relname ~ '_[0-9]+$'
        AND (substring(c.relname from '[0-9]+$')::bigint + 1) * size <= before_ms
    LOOP
      EXECUTE format('DROP TABLE millrace.%I', name);
      dropped := dropped + 1;
    END LOOP;
    EXECUTE format('DELETE FROM millrace.%I WHERE run_id < $1', parent || '_default')
      USING millrace.least_run_id(greatest(before_ms, 0));
  END LOOP;
  RETURN dropped;
END $$;
