"""The pages and the API, a module for each part of the work."""

from console.web.door import Door
from console.web.routes import api, audit, claims, front, guests, queue, telephone, unmask, webhooks

DOORS: tuple[Door, ...] = (
    front.door,
    queue.door,
    claims.door,
    guests.door,
    telephone.door,
    api.door,
    webhooks.door,
    audit.door,
    unmask.door,
)
