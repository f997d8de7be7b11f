"""The one MetaData all tables hang on, and the column kinds they share. Import `glovebox.store.all_tables`
to have every table."""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key() -> Column[int]:
    """Primary key `id`, given by the database and (with `sqlite_autoincrement`) never given twice."""
    return Column("id", Integer, primary_key=True)


def instant(name: str, *, nullable: bool = False, **options: Any) -> Column[int]:
    """Integer UTC seconds since 1970."""
    return Column(name, BigInteger, nullable=nullable, **options)


def u32(name: str, *, nullable: bool = False, **options: Any) -> Column[int]:
    """An unsigned 32-bit number of the wire; PostgreSQL's `integer` is signed, so `bigint`."""
    return Column(name, BigInteger, nullable=nullable, **options)


def reference(name: str, target: str, *, nullable: bool = False, **options: Any) -> Column[int]:
    """Foreign key to `target` (`table.id`)."""
    return Column(name, Integer, ForeignKey(target), nullable=nullable, **options)
