"""A workbench home in a temporary folder, and what a test wants to know of it."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from db.home import Home
from db.schema import AnnotationVersion, Class, Image, Role, Subset, SubsetImage
from db.session import Database, open_database
from db.store import Store
from labeling.annotation import Annotation
from labeling.importing.run import ImportReport, ImportRequest, import_dataset


@dataclass(frozen=True)
class Place:
    home: Home
    database: Database

    @property
    def store(self) -> Store:
        return Store(self.home.store)

    def run_import(self, source: Path, format: str = "labelme", **options) -> ImportReport:
        return import_dataset(self.home, self.database, ImportRequest(format=format, source=source, **options))

    def image(self, path: str) -> Image:
        with self.database.read() as session:
            return session.scalars(select(Image).where(Image.path == path)).one()

    def annotation(self, path: str) -> Annotation:
        with self.database.read() as session:
            head = self.image(path).head_id
            return Annotation.from_json(session.get_one(AnnotationVersion, head).content)

    def versions(self, path: str) -> list[AnnotationVersion]:
        query = select(AnnotationVersion).join(Image, Image.id == AnnotationVersion.image_id).where(Image.path == path)
        with self.database.read() as session:
            return list(session.scalars(query.order_by(AnnotationVersion.number)))

    def everything(self):
        """Return all that imports decide, without ids' meaning nothing or times: equal for equal ends."""
        with self.database.read() as session:
            images = select(Image.path, Image.sha256, Image.width, Image.height, Image.perceptual_hash)
            versions = select(
                Image.path, AnnotationVersion.number, AnnotationVersion.source_digest, AnnotationVersion.content
            ).join(Image, Image.id == AnnotationVersion.image_id)
            members = select(Subset.name, Image.path).join_from(Subset, SubsetImage).join(Image)
            roles = select(Image.path, Role.role, Role.origin).join(Role, Role.image_id == Image.id)
            classes = select(Class.id, Class.position, Class.name, Class.color)
            return {
                "images": session.execute(images.order_by(Image.path)).all(),
                "versions": session.execute(versions.order_by(Image.path, AnnotationVersion.number)).all(),
                "members": session.execute(members.order_by(Subset.name, Image.path)).all(),
                "roles": session.execute(roles.order_by(Image.path)).all(),
                "classes": session.execute(classes.order_by(Class.id)).all(),
            }


def make_place(folder: Path) -> Place:
    home = Home(folder)
    return Place(home, open_database(home))
