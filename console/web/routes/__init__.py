"""The pages and the API, a module for each part of the work."""

from console.web.door import Door
from console.web.routes import api, front, guests, telephone, webhooks

DOORS: tuple[Door, ...] = (
    front.door,
    guests.door,
    telephone.door,
    api.door,
    webhooks.door,
)
