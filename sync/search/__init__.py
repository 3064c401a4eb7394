"""Search by parts of names and addresses: one text for each person, account and asset, in a trigram index.
The index is derived from the rows and follows them. The caller decides who may see what is found."""
