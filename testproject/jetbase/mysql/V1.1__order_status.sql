ALTER TABLE orders ADD COLUMN status VARCHAR(10) NOT NULL DEFAULT 'new'
    CHECK (status IN ('new', 'paid', 'shipped'));

CREATE INDEX orders_open ON orders (status, ordered_at);

UPDATE orders SET status = 'paid';

-- rollback

DROP INDEX orders_open ON orders;
ALTER TABLE orders DROP COLUMN status;
