DELETE FROM daily_revenue;

INSERT INTO daily_revenue (day, orders, revenue_cents)
SELECT
    date(orders.ordered_at),
    count(DISTINCT orders.id),
    sum(order_item.quantity * product.price_cents)
FROM orders
JOIN order_item ON order_item.order_id = orders.id
JOIN product ON product.id = order_item.product_id
GROUP BY date(orders.ordered_at);
