"""What is searched, derived from people, accounts and assets; sync/search keeps it up to date."""

from peewee import IntegerField, TextField

from sync.models.columns import Base


class SearchText(Base):
    """What is searched of a row, as `text_of` of search/texts.py makes it. The id says which row it is: `text_id` of
    search/index.py. The virtual table search_index has the trigrams of it."""

    text = TextField()


class SearchDue(Base):
    """The id of a text whose row has changed since, or is gone."""


class SearchMark(Base):
    """Up to which row of its table each kind is in the index."""

    kind = IntegerField(primary_key=True)
    up_to = IntegerField(default=0)
