"""The pages and the API, a module for each part of the work."""

from console.web.door import Door
from console.web.routes import front

DOORS: tuple[Door, ...] = (front.door,)
