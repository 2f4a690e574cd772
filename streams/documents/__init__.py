"""What other programs read about Quanzu: schemas, topics and HTTP, generated from the code that runs."""
