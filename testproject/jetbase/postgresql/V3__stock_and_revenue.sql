CREATE FUNCTION take_stock(wanted_product INTEGER, wanted INTEGER) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE product
    SET stock = stock - wanted
    WHERE id = wanted_product;
END;
$$;

CREATE FUNCTION order_item_moves_stock() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM take_stock(OLD.product_id, -OLD.quantity);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM take_stock(NEW.product_id, NEW.quantity);
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER order_item_moves_stock
AFTER INSERT OR DELETE OR UPDATE OF product_id, quantity ON order_item
FOR EACH ROW EXECUTE FUNCTION order_item_moves_stock();

CREATE TABLE daily_revenue (
    day DATE PRIMARY KEY,
    orders INTEGER NOT NULL,
    revenue_cents INTEGER NOT NULL
);

-- rollback

DROP TABLE daily_revenue;
DROP TRIGGER order_item_moves_stock ON order_item;
DROP FUNCTION order_item_moves_stock();
DROP FUNCTION take_stock(INTEGER, INTEGER);
