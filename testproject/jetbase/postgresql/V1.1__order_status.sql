ALTER TABLE orders ADD COLUMN status VARCHAR(10) NOT NULL DEFAULT 'new'
    CHECK (status IN ('new', 'paid', 'shipped'));

CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_open ON orders (ordered_at) WHERE status <> 'shipped';

UPDATE orders SET status = 'paid';

-- rollback

DROP INDEX orders_open;
DROP INDEX orders_customer;
ALTER TABLE orders DROP COLUMN status;
