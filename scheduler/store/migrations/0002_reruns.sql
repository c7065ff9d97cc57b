-- What a run can be done again by: what it read from outside, and, of a rerun, what it took over.

ALTER TABLE millrace.runs ADD COLUMN rerun_of uuid;
ALTER TABLE millrace.runs ADD COLUMN rerun_of_name text NOT NULL DEFAULT '';

-- The snapshots that a run began with, of each dataset that it may read from outside; null: there was none.
CREATE TABLE millrace.run_pins (
  run_id uuid NOT NULL,
  dataset text NOT NULL,
  ns text NOT NULL,
  snapshot_id uuid,
  PRIMARY KEY (run_id, dataset)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.run_pins_default PARTITION OF millrace.run_pins DEFAULT;

-- Tasks that a rerun did not run: they succeeded in the source, under whose id their snapshots stand.
CREATE TABLE millrace.taken_tasks (
  run_id uuid NOT NULL,
  task_index integer NOT NULL,
  ns text NOT NULL,
  source_run_id uuid NOT NULL,
  PRIMARY KEY (run_id, task_index)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.taken_tasks_default PARTITION OF millrace.taken_tasks DEFAULT;

-- What each start of a worker was called: a small row for each.
CREATE TABLE millrace.workers (
  worker uuid PRIMARY KEY,
  name text NOT NULL
);

-- What is partitioned by the week of its run.
CREATE FUNCTION millrace.run_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['runs', 'tasks', 'task_ends', 'attempts', 'outputs', 'publications', 'run_pins', 'taken_tasks'];

CREATE OR REPLACE FUNCTION millrace.make_run_partitions(at_ms bigint, count integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  size CONSTANT bigint := 7 * 24 * 3600 * 1000;
  first bigint := at_ms / size;
  parent text;
BEGIN
  FOREACH parent IN ARRAY millrace.run_tables() LOOP
    FOR part IN first .. first + count - 1 LOOP
      IF to_regclass(format('millrace.%s_%s', parent, part)) IS NULL THEN
        EXECUTE format('CREATE TABLE millrace.%s_%s PARTITION OF millrace.%s FOR VALUES FROM (%L) TO (%L)',
                       parent, part, parent, millrace.least_run_id(part * size),
                       millrace.least_run_id((part + 1) * size));
      END IF;
    END LOOP;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION millrace.drop_run_partitions(before_ms bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  size CONSTANT bigint := 7 * 24 * 3600 * 1000;
  name text;
  dropped integer := 0;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN (SELECT format('millrace.%I', t)::regclass FROM unnest(millrace.run_tables()) AS t)
      AND c.relname ~ '_[0-9]+$'
      AND (substring(c.relname from '[0-9]+$')::bigint + 1) * size <= before_ms
  LOOP
    EXECUTE format('DROP TABLE millrace.%I', name);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;

SELECT millrace.make_run_partitions((extract(epoch FROM now()) * 1000)::bigint, 2);
