-- SQLite changes a column's type by rebuilding its table. The view reads the
-- table and would stop the renaming; ROC__product_sales.sql makes it again.
DROP VIEW IF EXISTS product_sales;

CREATE TABLE product_new (
    id INTEGER PRIMARY KEY,
    sku VARCHAR(20) NOT NULL UNIQUE,
    name VARCHAR(100) NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    stock INTEGER NOT NULL DEFAULT 0 CHECK (stock >= 0)
);

INSERT INTO product_new (id, sku, name, price_cents, stock)
SELECT id, sku, name, CAST(round(price * 100) AS INTEGER), stock
FROM product;

DROP TABLE product;
ALTER TABLE product_new RENAME TO product;

-- rollback

DROP VIEW IF EXISTS product_sales;

CREATE TABLE product_old (
    id INTEGER PRIMARY KEY,
    sku VARCHAR(20) NOT NULL UNIQUE,
    name VARCHAR(100) NOT NULL,
    price REAL NOT NULL,
    stock INTEGER NOT NULL DEFAULT 0
);

INSERT INTO product_old (id, sku, name, price, stock)
SELECT id, sku, name, price_cents / 100.0, stock
FROM product;

DROP TABLE product;
ALTER TABLE product_old RENAME TO product;
