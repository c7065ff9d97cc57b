-- Datasets, their schemas, snapshots and files. Laid out so that an Iceberg view can be written from it:
-- snapshots have sequence numbers, a parent and a summary, files the snapshot that added them and their
-- statistics.

CREATE TABLE catalog.datasets (
  ns text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (ns, name)
);

-- Immutable, named by the SHA-256 of their text.
CREATE TABLE catalog.schemas (
  ns text NOT NULL,
  hash bytea NOT NULL,
  schema_json text NOT NULL,
  PRIMARY KEY (ns, hash)
);

-- A dataset's history is a line: sequence_number counts its snapshots from 1, each one's parent is the one
-- before. A snapshot's files are those added from base_sequence_number (its own when it overwrote, its
-- parent's when it appended) up to its own sequence_number: one range, however long the chain.
CREATE TABLE catalog.snapshots (
  ns text NOT NULL,
  dataset text NOT NULL,
  sequence_number bigint NOT NULL,
  snapshot_id uuid NOT NULL,
  parent_id uuid,
  base_sequence_number bigint NOT NULL CHECK (base_sequence_number BETWEEN 1 AND sequence_number),
  operation text NOT NULL,
  schema_hash bytea NOT NULL,
  added_rows bigint NOT NULL,
  added_files bigint NOT NULL,
  added_bytes bigint NOT NULL,
  total_rows bigint NOT NULL,
  total_files bigint NOT NULL,
  total_bytes bigint NOT NULL,
  committed_at timestamptz NOT NULL,
  run_id uuid NOT NULL,
  run_name text NOT NULL,
  task_index integer NOT NULL,
  task_name text NOT NULL,
  attempt integer NOT NULL,
  write_index integer NOT NULL,
  PRIMARY KEY (ns, dataset, sequence_number),
  FOREIGN KEY (ns, dataset) REFERENCES catalog.datasets (ns, name),
  FOREIGN KEY (ns, schema_hash) REFERENCES catalog.schemas (ns, hash)
);
CREATE UNIQUE INDEX snapshots_by_id ON catalog.snapshots (ns, dataset, snapshot_id);
CREATE INDEX snapshots_by_attempt ON catalog.snapshots (run_id, task_index, attempt);

-- Immutable data files, by the snapshot that added them.
CREATE TABLE catalog.snapshot_files (
  ns text NOT NULL,
  dataset text NOT NULL,
  added_sequence_number bigint NOT NULL,
  file_index integer NOT NULL,
  path text NOT NULL,
  file_format text NOT NULL DEFAULT 'parquet',
  row_count bigint NOT NULL,
  byte_count bigint NOT NULL,
  checksum text NOT NULL,
  statistics_json text NOT NULL,
  PRIMARY KEY (ns, dataset, added_sequence_number, file_index)
);

-- The newest snapshot of each dataset: what the scheduler's state says too, compared at its start.
CREATE TABLE catalog.dataset_heads (
  ns text NOT NULL,
  dataset text NOT NULL,
  snapshot_id uuid NOT NULL,
  sequence_number bigint NOT NULL,
  schema_hash bytea NOT NULL,
  PRIMARY KEY (ns, dataset),
  FOREIGN KEY (ns, dataset, sequence_number) REFERENCES catalog.snapshots
) WITH (fillfactor = 70);
