-- Requests to erase users.

CREATE TABLE erasures (
  id TEXT NOT NULL PRIMARY KEY,
  -- The pseudonym, a 64-bit number as text; absent when the request is done.
  user TEXT,
  requested_ms INTEGER NOT NULL,
  -- Absent: it waits for a run of the batch.
  done_ms INTEGER,
  -- The run that did it.
  run TEXT
) STRICT;
