PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, "end" TEXT DEFAULT 'it''s; -- rollback');
INSERT INTO customer VALUES(1,'Zoë	tab',NULL);
INSERT INTO customer VALUES(2,replace('line\nbreak \ back','\n',char(10)),'-- rollback');
INSERT INTO customer VALUES(3,'it''s; "q" `b`','/* ');
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer ON DELETE CASCADE, [note; x] TEXT, paid NUMERIC);
INSERT INTO orders VALUES(1,1,'Zoë	tab',1.5);
INSERT INTO orders VALUES(2,2,replace('line\nbreak \ back','\n',char(10)),3);
INSERT INTO orders VALUES(3,3,'it''s; "q" `b`',4.5);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('customer',3);
CREATE VIEW open_orders AS SELECT * FROM orders WHERE paid < 3;
CREATE TRIGGER touch AFTER UPDATE ON orders BEGIN
  UPDATE orders SET paid = CASE WHEN paid IS NULL THEN 0 ELSE paid END WHERE id = new.id; -- end;
  SELECT 1;
END
;
CREATE INDEX i ON orders (customer_id);
COMMIT;
