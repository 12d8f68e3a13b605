"""Small painted projects: real labelme folders from the demo's painter, imported through the real import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from db.home import Home
from db.session import Database, open_database
from labeling.importing.run import ImportRequest, import_dataset
from labeling.roles import assign_roles
from workbench.demo.sample import write_sample


@dataclass(frozen=True)
class Campus:
    """A home with one project `campus` and one dataset `day` (labelled, with roles)."""

    home: Home
    database: Database
    photos: Path


def make_campus(folder: Path, count: int = 6) -> Campus:
    photos = folder / "photos" / "day"
    write_sample(photos, "day", count, seed=0)
    home = Home(folder / "home")
    home.ensure()
    database = open_database(home)
    import_dataset(home, database, ImportRequest(format="labelme", source=photos, project="campus", dataset="day"))
    assign_roles(database, "campus", "day", val=1 / 3)
    return Campus(home, database, photos)
