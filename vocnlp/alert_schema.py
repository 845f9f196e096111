"""The tables of an outbox. ``customer`` is a keyed hash everywhere, and so is the id of an erased alert."""

from __future__ import annotations

SCHEMA = "1"
TABLES = """
create table meta (key text primary key, value text not null) strict;
create table alert (id text primary key, key text not null, decided real not null, content text not null) strict;
create index alert_by_key on alert (key, decided);
create table repeat (id text primary key, alert text not null references alert, at real not null) strict;
create table delivery (
  alert text not null references alert, hook text not null, state text not null default 'pending',
  attempts integer not null default 0, due real not null, lease real not null default 0, holder text,
  error text, done real, primary key (alert, hook)) strict;
create index delivery_due on delivery (hook, state, due);
create table casefile (
  alert text primary key references alert, state text not null, owner text not null, assignee text, customer text,
  opened real not null, responded real, resolved real) strict;
create table step (
  alert text not null references casefile, at real not null, state text not null, who text, note text) strict;
"""
#: What came later; an outbox of before gets it when it is opened.
ADDED = """
create table if not exists quoted (
  alert text not null references alert, place integer not null, customer text not null, primary key (alert, place)) strict;
create table if not exists erased (id text primary key) strict;
"""
