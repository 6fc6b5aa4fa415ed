DROP VIEW IF EXISTS product_sales;

CREATE VIEW product_sales AS
SELECT
    product.id AS product_id,
    coalesce(sum(order_item.quantity), 0) AS units,
    coalesce(sum(order_item.quantity * product.price_cents), 0) AS revenue_cents
FROM product
LEFT JOIN order_item ON order_item.product_id = product.id
GROUP BY product.id;

-- rollback

DROP VIEW IF EXISTS product_sales;
