CREATE PROCEDURE take_stock(wanted_product INTEGER, wanted INTEGER)
BEGIN
    UPDATE product
    SET stock = stock - wanted
    WHERE id = wanted_product;
END;

CREATE TRIGGER order_item_takes_stock AFTER INSERT ON order_item
FOR EACH ROW CALL take_stock(NEW.product_id, NEW.quantity);

CREATE TRIGGER order_item_returns_stock AFTER DELETE ON order_item
FOR EACH ROW CALL take_stock(OLD.product_id, -OLD.quantity);

CREATE TRIGGER order_item_changes_stock AFTER UPDATE ON order_item
FOR EACH ROW BEGIN
    CALL take_stock(OLD.product_id, -OLD.quantity);
    CALL take_stock(NEW.product_id, NEW.quantity);
END;

CREATE TABLE daily_revenue (
    day DATE PRIMARY KEY,
    orders INTEGER NOT NULL,
    revenue_cents INTEGER NOT NULL
);

-- rollback

DROP TABLE daily_revenue;
DROP TRIGGER order_item_changes_stock;
DROP TRIGGER order_item_returns_stock;
DROP TRIGGER order_item_takes_stock;
DROP PROCEDURE take_stock;
