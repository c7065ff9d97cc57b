-- When the next snapshot took this one's place; null: it is the newest. Retention counts from there, also
-- when a snapshot in between has expired.
ALTER TABLE catalog.snapshots ADD COLUMN replaced_at timestamptz;
UPDATE catalog.snapshots s SET replaced_at = n.committed_at
FROM catalog.snapshots n
WHERE n.ns = s.ns AND n.dataset = s.dataset AND n.sequence_number = s.sequence_number + 1;
CREATE INDEX snapshots_by_replacement ON catalog.snapshots (replaced_at, snapshot_id)
WHERE replaced_at IS NOT NULL;

-- Whether anything lies below a prefix.
CREATE INDEX snapshot_files_by_path ON catalog.snapshot_files (path COLLATE "C");

-- Files that no snapshot has any more: moved here from snapshot_files in the batch that expires the last
-- snapshot that had them. The row goes once the file has.
CREATE TABLE catalog.marked_files (
  mark bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  path text NOT NULL,
  byte_count bigint NOT NULL
);
CREATE INDEX marked_files_by_path ON catalog.marked_files (path COLLATE "C");

-- When this catalog began: what lies in the data folder from before is not its own.
CREATE TABLE catalog.installation (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  made_at timestamptz NOT NULL
);
INSERT INTO catalog.installation (made_at)
SELECT least(now(), coalesce(min(created_at), now())) FROM catalog.datasets;
