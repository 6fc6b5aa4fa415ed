CREATE TRIGGER order_item_takes_stock AFTER INSERT ON order_item
BEGIN
    UPDATE product
    SET stock = stock - NEW.quantity
    WHERE id = NEW.product_id;
END;

CREATE TRIGGER order_item_returns_stock AFTER DELETE ON order_item
BEGIN
    UPDATE product
    SET stock = stock + OLD.quantity
    WHERE id = OLD.product_id;
END;

CREATE TRIGGER order_item_changes_stock AFTER UPDATE OF product_id, quantity ON order_item
BEGIN
    UPDATE product
    SET stock = stock + OLD.quantity
    WHERE id = OLD.product_id;
    UPDATE product
    SET stock = stock - NEW.quantity
    WHERE id = NEW.product_id;
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
