create type mpaa as enum ('G', 'PG', 'R', 'NC-17', 'it''s');
create domain year as integer check (value > 1900);
create table language (language_id serial primary key, name char(20) not null, last_update timestamp not null default now());
create table actor (actor_id serial primary key, first_name varchar(45) not null, last_name varchar(45) not null,
  last_update timestamptz not null default now());
create table film (film_id serial primary key, title text not null, description text, release_year year,
  language_id int not null references language, original_language_id int references language,
  rental_duration smallint not null default 3, rental_rate numeric(4, 2) not null default 4.99, length smallint,
  replacement_cost numeric(5, 2) not null default 19.99, rating mpaa default 'G', last_update timestamptz not null default now(),
  special_features text[], fulltext tsvector not null, spot point, slug text generated always as (lower(title)) stored);
create function fill() returns trigger language plpgsql as $$ begin new.fulltext = to_tsvector(new.title); return new; end $$;
create trigger fill before insert or update on film for each row execute function fill();
create table film_actor (actor_id int references actor, film_id int references film, last_update timestamptz not null default now(),
  primary key (actor_id, film_id));
create table store (store_id serial primary key, manager_staff_id int not null, name text not null);
create table staff (staff_id serial primary key, name text not null, store_id int not null references store,
  boss_id int references staff, picture bytea);
alter table store add foreign key (manager_staff_id) references staff;
create table "Order" ("Id" bigint generated always as identity primary key, "class" text not null, "customer's name" varchar(60),
  "größe" numeric, "order date" date not null, meta jsonb not null default '{}', ratio double precision,
  done boolean not null default false, ext uuid not null default gen_random_uuid(), "__proto__" text, deleted_at timestamptz);
create table "Order_line" (id bigserial primary key, order_id bigint not null references "Order" on delete cascade,
  film_id int references film, "日本" text, qty int not null default 1, price numeric(10, 2) not null);
create table "select" ("from" text, "to" text, "where" int, primary key ("from", "to"));
create table log (at timestamptz, msg text);
create table "订单" (id int primary key, "名" text);
create schema crm;
create table crm.actor (id uuid primary key default gen_random_uuid(), geo int4range not null);
create table paid (id int not null unique, amount numeric(4, 4) not null, t time);
insert into language (name) values ('English');
insert into film (title, language_id) values ('ACADEMY', 1);
insert into "Order" ("class", "order date") values ('a', '2026-01-01');
insert into "Order_line" (order_id, film_id, price) values (1, 1, '9.90');
