-- The view reads the column and would stop the change; ROC__product_sales.sql
-- makes it again.
DROP VIEW IF EXISTS product_sales;

ALTER TABLE product
    ALTER price TYPE INTEGER USING round(price * 100)::integer;
ALTER TABLE product RENAME price TO price_cents;
ALTER TABLE product
    ADD CONSTRAINT product_price_cents_check CHECK (price_cents > 0),
    ADD CONSTRAINT product_stock_check CHECK (stock >= 0);

-- rollback

DROP VIEW IF EXISTS product_sales;

ALTER TABLE product
    DROP CONSTRAINT product_price_cents_check,
    DROP CONSTRAINT product_stock_check;
ALTER TABLE product RENAME price_cents TO price;
ALTER TABLE product
    ALTER price TYPE DOUBLE PRECISION USING price / 100.0;
