--
-- PostgreSQL database dump
--

\restrict d41d8cd98f00b204e9800998ecf8427e

-- Dumped from database version 15.20
-- Dumped by pg_dump version 15.20

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: shop; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA shop;


ALTER SCHEMA shop OWNER TO postgres;

--
-- Name: state; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop.state AS ENUM (
    'new',
    'paid; sent'
);


ALTER TYPE shop.state OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: orders; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.orders (
    id bigint NOT NULL,
    customer_id bigint NOT NULL,
    state shop.state DEFAULT 'new'::shop.state,
    note text,
    paid numeric(10,2)
);


ALTER TABLE shop.orders OWNER TO postgres;

--
-- Name: TABLE orders; Type: COMMENT; Schema: shop; Owner: postgres
--

COMMENT ON TABLE shop.orders IS 'Orders; all of them -- rollback';


--
-- Name: open_orders(bigint); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.open_orders(c bigint) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT count(*) AS count
    FROM shop.orders
   WHERE ((orders.customer_id = open_orders.c) AND
         CASE
             WHEN (orders.state = 'new'::shop.state) THEN true
             ELSE false
         END);
END;


ALTER FUNCTION shop.open_orders(c bigint) OWNER TO postgres;

--
-- Name: total(bigint); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.total(c bigint) RETURNS numeric
    LANGUAGE plpgsql
    AS $_$ BEGIN RETURN (SELECT sum(paid) FROM shop.orders WHERE customer_id = $1); END; $_$;


ALTER FUNCTION shop.total(c bigint) OWNER TO postgres;

--
-- Name: touch(); Type: FUNCTION; Schema: shop; Owner: postgres
--

CREATE FUNCTION shop.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.note := coalesce(NEW.note, '') || ';'; RETURN NEW; END $$;


ALTER FUNCTION shop.touch() OWNER TO postgres;

--
-- Name: customer; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.customer (
    id bigint NOT NULL,
    name text NOT NULL,
    "end" text DEFAULT 'it''s; -- rollback'::text
);


ALTER TABLE shop.customer OWNER TO postgres;

--
-- Name: customer_id_seq; Type: SEQUENCE; Schema: shop; Owner: postgres
--

CREATE SEQUENCE shop.customer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE shop.customer_id_seq OWNER TO postgres;

--
-- Name: customer_id_seq; Type: SEQUENCE OWNED BY; Schema: shop; Owner: postgres
--

ALTER SEQUENCE shop.customer_id_seq OWNED BY shop.customer.id;


--
-- Name: event; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.event (
    id integer,
    at date NOT NULL
)
PARTITION BY RANGE (at);


ALTER TABLE shop.event OWNER TO postgres;

--
-- Name: event_2025; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.event_2025 (
    id integer,
    at date NOT NULL
);


ALTER TABLE shop.event_2025 OWNER TO postgres;

--
-- Name: open; Type: VIEW; Schema: shop; Owner: postgres
--

CREATE VIEW shop.open AS
 SELECT orders.id,
    orders.customer_id,
    orders.state,
    orders.note,
    orders.paid
   FROM shop.orders
  WHERE (orders.state = 'new'::shop.state);


ALTER TABLE shop.open OWNER TO postgres;

--
-- Name: orders_id_seq; Type: SEQUENCE; Schema: shop; Owner: postgres
--

ALTER TABLE shop.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME shop.orders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: totals; Type: MATERIALIZED VIEW; Schema: shop; Owner: postgres
--

CREATE MATERIALIZED VIEW shop.totals AS
 SELECT orders.customer_id,
    sum(orders.paid) AS sum
   FROM shop.orders
  GROUP BY orders.customer_id
  WITH NO DATA;


ALTER TABLE shop.totals OWNER TO postgres;

--
-- Name: event_2025; Type: TABLE ATTACH; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.event ATTACH PARTITION shop.event_2025 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');


--
-- Name: customer id; Type: DEFAULT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.customer ALTER COLUMN id SET DEFAULT nextval('shop.customer_id_seq'::regclass);


--
-- Data for Name: customer; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.customer (id, name, "end") FROM stdin;
1	Zoë\ttab	\N
2	line\nbreak \\ back	-- rollback
3	; \\.	$$
\.


--
-- Data for Name: event_2025; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.event_2025 (id, at) FROM stdin;
1	2025-05-05
\.


--
-- Data for Name: orders; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.orders (id, customer_id, state, note, paid) FROM stdin;
1	1	new	Zoë\ttab	1.50
2	2	new	line\nbreak \\ back	3.00
3	3	new	; \\.	4.50
\.


--
-- Name: customer_id_seq; Type: SEQUENCE SET; Schema: shop; Owner: postgres
--

SELECT pg_catalog.setval('shop.customer_id_seq', 3, true);


--
-- Name: orders_id_seq; Type: SEQUENCE SET; Schema: shop; Owner: postgres
--

SELECT pg_catalog.setval('shop.orders_id_seq', 3, true);


--
-- Name: customer customer_pkey; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.customer
    ADD CONSTRAINT customer_pkey PRIMARY KEY (id);


--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);


--
-- Name: customer log_it; Type: RULE; Schema: shop; Owner: postgres
--

CREATE RULE log_it AS
    ON DELETE TO shop.customer DO ( UPDATE shop.orders SET note = 'a;b'::text
  WHERE false;
 SELECT 1 AS "?column?";
);


--
-- Name: orders touch; Type: TRIGGER; Schema: shop; Owner: postgres
--

CREATE TRIGGER touch BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();


--
-- Name: orders orders_customer_id_fkey; Type: FK CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.orders
    ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES shop.customer(id);


--
-- Name: totals; Type: MATERIALIZED VIEW DATA; Schema: shop; Owner: postgres
--

REFRESH MATERIALIZED VIEW shop.totals;


--
-- PostgreSQL database dump complete
--

\unrestrict d41d8cd98f00b204e9800998ecf8427e

