-- Everything Syncflow keeps in the hub. Opaque values are json, not jsonb: jsonb refuses \u0000 and lone surrogates, which remotes do send.

create table syncflow.setting (
  name text primary key,
  value text not null
);

-- A note that a record changed, written in the user's own transaction. Only ever inserted and deleted.
create table syncflow.mark (
  id bigint generated always as identity primary key,
  catalog text not null,
  key text,                         -- null: the whole table (TRUNCATE)
  op "char" not null,               -- I insert, U update, D delete, K change of key, T truncate
  old_key text,                     -- K: the key before
  statement text,                   -- K: the same for all rows of one statement, whose keys change at once
  at timestamptz not null default clock_timestamp(),
  origin text,                      -- who wrote it: the subscriber of an inward apply, else "@", the database role and its application
  except_subscribers text           -- JSON array of subscribers that this one write doesn't go to
);

create index mark_statement on syncflow.mark (statement) where statement is not null;

-- The binding of one record to one remote, and what both sides last agreed on.
create table syncflow.link (
  id bigint generated always as identity primary key,
  subscriber text not null,         -- catalog/as
  key text,                         -- the record's key; null for a remote without a record, or after its deletion
  remote_id text,
  state text not null default 'new' check (state in ('new', 'linked', 'gone', 'excluded')),
  shadow json,
  version text,
  former_key text,                  -- tombstone: the key it had
  generation bigint not null default 0,
  due_at timestamptz,               -- null: nothing to do
  lane smallint not null default 0, -- 0 live, 1 repair, 2 backfill
  paused boolean not null default false, -- until resumed
  look boolean not null default false,   -- read the remote before planning
  gone_at timestamptz,              -- positive proof that the remote was deleted
  deleted_at timestamptz,           -- a DELETE mark was seen, and the row not since
  edited_at timestamptz,            -- of the newest mark
  edited_by text,                   -- its origin
  remote_edited_at timestamptz,     -- of the newest event
  sight json,                       -- a remote that no record stands for yet, as a listing showed it
  claims text,                      -- the same: the record that its marker names, or its match values
  planned json,                     -- what an applied plan or a person has decided about a side without a partner: by, do, key
  listed_run bigint,                -- the last run whose listing showed its remote
  waits_for text,                   -- subscriber:key or subscriber@remote id of the link that must exist first
  parked_code text,
  parked_reason text,
  parked_at timestamptz,
  attempts int not null default 0,
  last_error text,
  flips json,                       -- recent inward values per unit, for the loop breaker
  lease_owner text,
  lease_until timestamptz,
  fence bigint not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz
);
create unique index link_key on syncflow.link (subscriber, key) where key is not null;
create unique index link_remote on syncflow.link (subscriber, remote_id) where remote_id is not null;
create index link_due on syncflow.link (subscriber, lane, due_at) where due_at is not null;
create index link_stranger on syncflow.link (subscriber) where key is null and state = 'new' and due_at is not null;
create index link_waits on syncflow.link (waits_for) where waits_for is not null;
create index link_unpaired on syncflow.link (subscriber, claims) where key is null and state = 'new';
create index link_parked on syncflow.link (subscriber, parked_code) where parked_code is not null;

-- A remote write about to be made: frozen body, idempotency key. Closed ones are kept a while to recognise our own events.
create table syncflow.intent (
  id bigint generated always as identity primary key,
  link_id bigint not null,
  subscriber text not null,
  kind text not null check (kind in ('create', 'update', 'delete')),
  idempotency_key text not null unique,
  body json not null,               -- the frozen operation
  steps json not null default '[]', -- bodies, keys and answers of the calls of a many-call operation
  sent_at timestamptz,
  unknown_at timestamptz,           -- its outcome is not known
  missed smallint not null default 0, -- looks after it that found nothing
  closed_at timestamptz,
  outcome text,
  created_at timestamptz not null default clock_timestamp()
);
create index intent_open on syncflow.intent (link_id) where closed_at is null;
create index intent_unseen on syncflow.intent (link_id) where outcome = 'not seen';
create index intent_closed on syncflow.intent (closed_at) where closed_at is not null;

-- Hints from outside, durable before they are acknowledged.
create table syncflow.inbox (
  id bigint generated always as identity primary key,
  subscriber text not null,
  event_id text not null,
  remote_id text not null,
  kind text not null check (kind in ('changed', 'deleted')),
  payload json not null,            -- snapshot, previous, cause, at
  lane smallint not null default 0,
  received_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  unique (subscriber, event_id)
);
create index inbox_open on syncflow.inbox (id) where settled_at is null;
create index inbox_settled on syncflow.inbox (settled_at) where settled_at is not null;

create table syncflow.cursor (
  subscriber text not null,
  name text not null,
  value text not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (subscriber, name)
);

create table syncflow.conflict (
  id bigint generated always as identity primary key,
  link_id bigint not null,
  subscriber text not null,
  key text,
  unit text not null,
  base json,
  hub json,
  remote json,
  winner text not null,             -- hub, remote, merged
  rule text not null,               -- why
  at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,          -- a person decided about it since
  resolved_by text,
  resolution json                   -- taken: hub, remote or value; value: what the hub held then
);
create index conflict_record on syncflow.conflict (subscriber, key);

create table syncflow.history (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  subscriber text not null,
  key text,
  remote_id text,
  event text not null,
  detail json
);
create index history_record on syncflow.history (subscriber, key, id);
create index history_age on syncflow.history (at);

-- What switching a subscriber on would do, before anything is written on either side.
create table syncflow.plan (
  id bigint generated always as identity primary key,
  subscriber text not null,
  state text not null default 'drafting' check (state in ('drafting', 'ready', 'checking', 'applying', 'applied')),
  progress json not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  ready_at timestamptz,
  applied_at timestamptz
);
create index plan_subscriber on syncflow.plan (subscriber, id);

-- Of a plan: what it says of one remote, of one record, or of the two together.
create table syncflow.plan_item (
  id bigint generated always as identity primary key,
  plan_id bigint not null references syncflow.plan on delete cascade,
  kind text not null default 'listed', -- marker, match, ambiguous, here, there, left; listed: not judged yet
  remote_id text,
  key text,
  claims text,
  sight json,                       -- the remote as its listing showed it
  detail json not null default '{}', -- candidates, fields that differ, what else there is to say
  says text,                        -- what was approved, in one text: when it differs later, the world has moved
  decision json                     -- of a person, about an ambiguous one: do (link, new, leave), key
);
create unique index plan_item_remote on syncflow.plan_item (plan_id, remote_id) where remote_id is not null;
create unique index plan_item_key on syncflow.plan_item (plan_id, key) where key is not null;
create index plan_item_claims on syncflow.plan_item (plan_id, claims) where claims is not null;
create index plan_item_kind on syncflow.plan_item (plan_id, kind, id);

create table syncflow.run (
  id bigint generated always as identity primary key,
  subscriber text not null,
  kind text not null,               -- backfill, sweep, verify
  progress json not null default '{}',
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index run_open on syncflow.run (subscriber, kind) where finished_at is null;

-- Workers that sleep and want to be rung. While the table is empty a trigger rings nobody.
create table syncflow.sleeper (
  worker text primary key,
  since timestamptz not null default clock_timestamp()
);
