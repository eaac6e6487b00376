"""The usual way to write such a service, for `bench_facade` to compare with: FastAPI and SQLAlchemy's ORM.

One process, one SQLite file with a write-ahead log and full synchronisation, one transaction for each order;
no read models and no events besides the order's own. PORT FILE.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

PRODUCTS = 1_000


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price_minor: Mapped[int]
    stock: Mapped[int]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(index=True)
    placed_at: Mapped[datetime]
    shipping_address: Mapped[str]
    total_minor: Mapped[int]
    items: Mapped[list["OrderItem"]] = relationship(back_populates="order")


class OrderItem(Base):
    __tablename__ = "order_items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    quantity: Mapped[int]
    unit_minor: Mapped[int]
    order: Mapped[Order] = relationship(back_populates="items")


class NewItem(BaseModel):
    productId: int = Field(ge=1)  # noqa: N815  # as in the JSON
    quantity: int = Field(ge=1, le=1_000_000)


class NewOrder(BaseModel):
    customerId: int = Field(ge=1)  # noqa: N815
    items: list[NewItem] = Field(min_length=1, max_length=1_000)
    shippingAddress: str = Field(min_length=1, max_length=500)  # noqa: N815


class Placed(BaseModel):
    orderId: int  # noqa: N815
    status: str


def application(file: str) -> FastAPI:
    """The service on this file."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    sessions = sessionmaker(engine)
    Base.metadata.create_all(engine)
    with sessions.begin() as session:
        numbers = range(1, PRODUCTS + 1)
        session.add_all(
            Product(id=number, name=f"Product {number}", price_minor=995, stock=10**9) for number in numbers
        )

    def connected() -> Iterator[Session]:
        with sessions() as session:
            yield session

    app = FastAPI()

    @app.post("/orders", status_code=201)
    def place_order(body: NewOrder, session: Annotated[Session, Depends(connected)]) -> Placed:
        wanted = {item.productId: item.quantity for item in body.items}
        products = {one.id: one for one in session.scalars(select(Product).where(Product.id.in_(wanted)))}
        for product_id, quantity in wanted.items():
            if product_id not in products:
                raise HTTPException(422, f"no product {product_id}")
            if products[product_id].stock < quantity:
                raise HTTPException(409, f"not enough of product {product_id}")
        order = Order(
            customer_id=body.customerId,
            placed_at=datetime.now(UTC),
            shipping_address=body.shippingAddress,
            total_minor=sum(products[number].price_minor * units for number, units in wanted.items()),
            items=[
                OrderItem(product_id=number, quantity=units, unit_minor=products[number].price_minor)
                for number, units in wanted.items()
            ],
        )
        for number, units in wanted.items():
            products[number].stock = Product.stock - units  # in the database, whoever else orders now
        session.add(order)
        session.commit()
        return Placed(orderId=order.id, status="confirmed")

    return app


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), port=int(sys.argv[1]), log_config=None, access_log=False)
