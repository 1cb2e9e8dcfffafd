-- The catalog: what advertisers, campaigns, ads, services and placements are called and cost, and who may come in.
-- Campaign and ad keys are an advertiser's own, as in events; two advertisers may use the same one.

CREATE TABLE advertisers (
  key TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  timezone TEXT NOT NULL,
  shards INTEGER NOT NULL,
  click_window_ms INTEGER NOT NULL,
  conversion_click_window_ms INTEGER NOT NULL,
  conversion_view_window_ms INTEGER NOT NULL,
  repeat_click_ms INTEGER NOT NULL,
  repeat_conversion_ms INTEGER NOT NULL,
  repeat_impression_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE campaigns (
  advertiser TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  price_model TEXT,
  price_micros INTEGER NOT NULL,
  "start" TEXT,
  "end" TEXT,
  budget_micros INTEGER,
  PRIMARY KEY (advertiser, key)
) STRICT;
CREATE INDEX campaigns_by_key ON campaigns (key);

CREATE TABLE ads (
  advertiser TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  campaign TEXT,
  PRIMARY KEY (advertiser, key)
) STRICT;
CREATE INDEX ads_by_key ON ads (key);

CREATE TABLE services (
  key TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;

CREATE TABLE placements (
  service TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (service, key)
) STRICT;
CREATE INDEX placements_by_key ON placements (key);

-- Grows with every change of an advertiser's windows, prices or shards: Linkers ignore settings older than theirs.
CREATE TABLE settings_revisions (
  advertiser TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
  id TEXT NOT NULL PRIMARY KEY,
  -- SHA-256 of the secret in hexadecimal; the secret itself is nowhere.
  hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  scope TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;
