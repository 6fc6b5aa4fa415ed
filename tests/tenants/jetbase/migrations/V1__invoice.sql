CREATE TABLE invoice (id int);
