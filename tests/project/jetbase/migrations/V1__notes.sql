-- jetbase: after=shop.0001
CREATE TABLE kind (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL);
INSERT INTO kind VALUES (1, 'plain');
CREATE TABLE note (
    id INTEGER NOT NULL PRIMARY KEY,
    product_id INTEGER NOT NULL,
    kind_id INTEGER NOT NULL DEFAULT 1,
    text VARCHAR(100) NOT NULL,
    FOREIGN KEY (product_id) REFERENCES shop_product (id) ON DELETE RESTRICT,
    FOREIGN KEY (kind_id) REFERENCES kind (id) ON DELETE RESTRICT
);
-- What `migrate` does at its end, the permissions, is there.
CREATE TABLE priced (id INTEGER NOT NULL);
INSERT INTO priced SELECT id FROM auth_permission WHERE codename = 'price_product';

-- rollback

DROP TABLE priced;
DROP TABLE note;
DROP TABLE kind;
