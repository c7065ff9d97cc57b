-- The scheduler's durable state. `log` and `checkpoints` are the truth; the rest are projections of it,
-- written in the transaction of the event they follow from, for people and for queries.

CREATE FUNCTION millrace.from_us(us bigint) RETURNS timestamptz
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN timestamptz 'epoch' + us * interval '1 microsecond';

CREATE FUNCTION millrace.to_us(at timestamptz) RETURNS bigint
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN (extract(epoch FROM at) * 1000000)::bigint;

-- Who leads. A hint that keeps two from competing: what keeps them apart is the log's key. `holder` names
-- the process, so that a neighbour on its machine need not wait when it sees that it is gone.
CREATE TABLE millrace.leadership (
  shard smallint PRIMARY KEY,
  leader_epoch bigint NOT NULL,
  leader uuid NOT NULL,
  holder text NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 10);

-- A row a batch. The key alone decides who appended: with the leader's epoch in it, two could.
-- Partitions of 100,000 sequences, made ahead by make_log_partitions; the default one takes what comes
-- before they are there. Retention drops partitions.
CREATE TABLE millrace.log (
  shard smallint NOT NULL,
  sequence bigint NOT NULL,
  leader_epoch bigint NOT NULL,
  batch_id uuid NOT NULL,
  at timestamptz NOT NULL,
  event_count integer NOT NULL,
  events bytea NOT NULL,
  PRIMARY KEY (shard, sequence)
) PARTITION BY RANGE (sequence);
CREATE TABLE millrace.log_default PARTITION OF millrace.log DEFAULT;

-- A checkpoint is complete when its row is there; its chunks come before it.
CREATE TABLE millrace.checkpoints (
  shard smallint NOT NULL,
  sequence bigint NOT NULL,
  chunk_count integer NOT NULL,
  byte_count bigint NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (shard, sequence)
);
CREATE TABLE millrace.checkpoint_chunks (
  shard smallint NOT NULL,
  sequence bigint NOT NULL,
  chunk integer NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (shard, sequence, chunk)
);

-- Documents, parameters: canonical JSON under its SHA-256.
CREATE TABLE millrace.bodies (
  hash bytea NOT NULL,
  ns text NOT NULL,
  content bytea NOT NULL,
  PRIMARY KEY (hash, ns)
);

-- Encoded specs of runs that ended, under their SHA-256.
CREATE TABLE millrace.specs (
  hash bytea PRIMARY KEY,
  content bytea NOT NULL
);

-- Of a run: written when it ends, with its tasks. Keyed by the run's id, which begins with the time it was
-- made: partitions are weeks of it, made ahead by make_run_partitions, and retention drops them.
CREATE TABLE millrace.runs (
  run_id uuid NOT NULL,
  ns text NOT NULL,
  name text NOT NULL,
  workflow text NOT NULL,
  queue text NOT NULL,
  outcome text NOT NULL,
  message text NOT NULL,
  last_error text NOT NULL,
  created_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  body_hash bytea NOT NULL,
  parameters_hash bytea NOT NULL,
  spec_hash bytea NOT NULL,
  idempotency_key text NOT NULL,
  succeeded integer NOT NULL,
  failed integer NOT NULL,
  skipped integer NOT NULL,
  cancelled integer NOT NULL,
  ended_sequence bigint NOT NULL,
  PRIMARY KEY (run_id)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.runs_default PARTITION OF millrace.runs DEFAULT;
CREATE INDEX runs_by_namespace ON millrace.runs (ns, run_id);
CREATE INDEX runs_by_name ON millrace.runs (ns, name);

CREATE TABLE millrace.tasks (
  run_id uuid NOT NULL,
  task_index integer NOT NULL,
  ns text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  state text NOT NULL,
  phase text NOT NULL,
  attempts integer NOT NULL,
  worker uuid NOT NULL,
  first_ready_at timestamptz,
  ended_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, task_index)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.tasks_default PARTITION OF millrace.tasks DEFAULT;

-- Why a task ended without an attempt: skipped, cancelled, or a timeout of its own.
CREATE TABLE millrace.task_ends (
  run_id uuid NOT NULL,
  task_index integer NOT NULL,
  ns text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  PRIMARY KEY (run_id, task_index)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.task_ends_default PARTITION OF millrace.task_ends DEFAULT;

-- Attempts that ended.
CREATE TABLE millrace.attempts (
  run_id uuid NOT NULL,
  task_index integer NOT NULL,
  attempt integer NOT NULL,
  ns text NOT NULL,
  lease_epoch bigint NOT NULL,
  worker uuid NOT NULL,
  phase text NOT NULL,
  outcome text NOT NULL,
  error_class text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  exit_code integer NOT NULL,
  next text NOT NULL,
  placed_at timestamptz NOT NULL,
  ended_at timestamptz NOT NULL,
  request_cpu_millis bigint NOT NULL,
  request_memory_bytes bigint NOT NULL,
  request_disk_bytes bigint NOT NULL,
  cpu_us bigint NOT NULL,
  memory_peak_bytes bigint NOT NULL,
  disk_peak_bytes bigint NOT NULL,
  rows_read bigint NOT NULL,
  rows_written bigint NOT NULL,
  bytes_read bigint NOT NULL,
  bytes_written bigint NOT NULL,
  wall_us bigint NOT NULL,
  PRIMARY KEY (run_id, task_index, attempt)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.attempts_default PARTITION OF millrace.attempts DEFAULT;

-- Output parameters of a task, of the attempt that succeeded.
CREATE TABLE millrace.outputs (
  run_id uuid NOT NULL,
  task_index integer NOT NULL,
  ns text NOT NULL,
  task_name text NOT NULL,
  attempt integer NOT NULL,
  outputs_json text NOT NULL,
  PRIMARY KEY (run_id, task_index)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.outputs_default PARTITION OF millrace.outputs DEFAULT;

-- What a staged effect is to be published by.
CREATE TABLE millrace.publications (
  run_id uuid NOT NULL,
  task_index integer NOT NULL,
  ns text NOT NULL,
  publication_order bigint NOT NULL,
  publication_json text NOT NULL,
  staged_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, task_index)
) PARTITION BY RANGE (run_id);
CREATE TABLE millrace.publications_default PARTITION OF millrace.publications DEFAULT;

-- Makes partitions of the log from the one that holds `sequence` on, `count` of them.
CREATE FUNCTION millrace.make_log_partitions(sequence bigint, count integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  size CONSTANT bigint := 100000;
  first bigint := sequence / size;
BEGIN
  FOR part IN first .. first + count - 1 LOOP
    IF to_regclass(format('millrace.log_%s', part)) IS NULL THEN
      EXECUTE format('CREATE TABLE millrace.log_%s PARTITION OF millrace.log FOR VALUES FROM (%s) TO (%s)',
                     part, part * size, (part + 1) * size);
    END IF;
  END LOOP;
END $$;

-- The least run id of a time: ids begin with 48 bits of milliseconds.
CREATE FUNCTION millrace.least_run_id(at_ms bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (lpad(to_hex(at_ms), 12, '0') || repeat('0', 20))::uuid;

-- Makes partitions of what is kept of runs from the week that holds `at_ms` on, `count` of them.
CREATE FUNCTION millrace.make_run_partitions(at_ms bigint, count integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  size CONSTANT bigint := 7 * 24 * 3600 * 1000;
  first bigint := at_ms / size;
  parent text;
BEGIN
  FOREACH parent IN ARRAY ARRAY['runs', 'tasks', 'task_ends', 'attempts', 'outputs', 'publications'] LOOP
    FOR part IN first .. first + count - 1 LOOP
      IF to_regclass(format('millrace.%s_%s', parent, part)) IS NULL THEN
        EXECUTE format('CREATE TABLE millrace.%s_%s PARTITION OF millrace.%s FOR VALUES FROM (%L) TO (%L)',
                       parent, part, parent, millrace.least_run_id(part * size),
                       millrace.least_run_id((part + 1) * size));
      END IF;
    END LOOP;
  END LOOP;
END $$;

-- Drops partitions of the log whose every row is before `sequence`.
CREATE FUNCTION millrace.drop_log_partitions(sequence bigint) RETURNS integer
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
  RETURN dropped;
END $$;

-- Drops what is kept of runs that were made in weeks that ended before `before_ms`.
CREATE FUNCTION millrace.drop_run_partitions(before_ms bigint) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  size CONSTANT bigint := 7 * 24 * 3600 * 1000;
  name text;
  dropped integer := 0;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('millrace.runs'::regclass, 'millrace.tasks'::regclass,
                          'millrace.task_ends'::regclass, 'millrace.attempts'::regclass,
                          'millrace.outputs'::regclass, 'millrace.publications'::regclass)
      AND c.relname ~ '_[0-9]+$'
      AND (substring(c.relname from '[0-9]+$')::bigint + 1) * size <= before_ms
  LOOP
    EXECUTE format('DROP TABLE millrace.%I', name);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;

SELECT millrace.make_log_partitions(0, 2);
SELECT millrace.make_run_partitions((extract(epoch FROM now()) * 1000)::bigint, 2);
