CREATE TABLE customer (
    id INTEGER PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    email VARCHAR(254) NOT NULL UNIQUE
);

CREATE TABLE product (
    id INTEGER PRIMARY KEY,
    sku VARCHAR(20) NOT NULL UNIQUE,
    name VARCHAR(100) NOT NULL,
    price REAL NOT NULL,
    stock INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER NOT NULL REFERENCES customer (id),
    ordered_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE order_item (
    id INTEGER PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    product_id INTEGER NOT NULL REFERENCES product (id),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    UNIQUE (order_id, product_id)
);

INSERT INTO customer (id, name, email) VALUES
    (1, 'Ada', 'ada@example.com'),
    (2, 'Grace; or "Gracie"', 'grace@example.com');

INSERT INTO product (id, sku, name, price, stock) VALUES
    (1, 'TEA-GREEN', 'Green tea, 100 % leaf', 4.95, 40),
    (2, 'TEA-BLACK', 'Black tea', 3.5, 60),
    (3, 'MUG', 'Mug -- dishwasher safe', 8, 12);

INSERT INTO orders (id, customer_id, ordered_at) VALUES
    (1, 1, '2026-01-05 09:30:00'),
    (2, 2, '2026-01-06 14:00:00');

INSERT INTO order_item (order_id, product_id, quantity) VALUES
    (1, 1, 2),
    (1, 3, 1),
    (2, 2, 4);

-- rollback

DROP TABLE order_item;
DROP TABLE orders;
DROP TABLE product;
DROP TABLE customer;
