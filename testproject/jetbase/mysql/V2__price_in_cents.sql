-- The view would be left with a column that is gone; ROC__product_sales.sql
-- makes it again.
DROP VIEW IF EXISTS product_sales;

UPDATE product SET price = round(price * 100);

ALTER TABLE product
    CHANGE price price_cents INTEGER NOT NULL,
    ADD CONSTRAINT product_price_cents CHECK (price_cents > 0),
    ADD CONSTRAINT product_stock CHECK (stock >= 0);

-- rollback

DROP VIEW IF EXISTS product_sales;

ALTER TABLE product
    DROP CONSTRAINT product_price_cents,
    DROP CONSTRAINT product_stock,
    CHANGE price_cents price DOUBLE NOT NULL;

UPDATE product SET price = price / 100;
