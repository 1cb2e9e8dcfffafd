-- The operator's lists of robots and data centres.

CREATE TABLE lists (
  name TEXT NOT NULL PRIMARY KEY,
  -- Grows with every change, and stays when the list goes, so that everybody notices.
  revision INTEGER NOT NULL,
  -- Absent: the built-in list.
  text TEXT
) STRICT;
