DROP VIEW IF EXISTS title;
CREATE VIEW title AS SELECT note.text, shop_product.name FROM note JOIN shop_product ON shop_product.id = note.product_id;
