"""The check of the data before a training: what is refused, what is warned of, and that it is of the images it uses."""

import pytest
from sqlalchemy import update

from db.errors import UserError
from db.schema import Image
from labeling.care.leaks import find_groups
from labeling.roles import set_roles
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import rectangle, write_labels, write_photo
from training.runs.creation import TrainRequest, create_run, plan_run

SIZE = (128, 96)


@pytest.fixture
def place(tmp_path):
    """Five photos: 0 to 2 are trained on, 3 and 4 validate; 4 shows what 0 does, and the only bus."""
    place = make_place(tmp_path / "home")
    for number in range(5):
        photo = tmp_path / "day" / f"{number}.png"
        write_photo(photo, number % 4, SIZE)
        shapes = [rectangle("road", 0, 50, 128, 96), *([rectangle("bus", 0, 0, 50, 40)] if number == 4 else [])]
        write_labels(photo, shapes, SIZE)
    place.run_import(tmp_path / "day", project="campus", dataset="day")
    set_roles(place.database, "campus", "day", ["0.png", "1.png", "2.png"], "train")
    set_roles(place.database, "campus", "day", ["3.png", "4.png"], "val")
    return place


def plan(place, **more):
    request = TrainRequest(architecture="unet", settings={"steps": "1", "init": "scratch"}, device="cpu", **more)
    return plan_run(place.home, place.database, request)


def test_what_would_mislead_is_said_of_the_images_that_are_used(place):
    (unlearned,) = plan(place).warnings
    assert "'bus' is in val or test, but not in train" in unlearned
    find_groups(place.home, place.database)
    _, leak = plan(place).warnings
    assert leak.startswith("1 of the 2 images to validate on show")
    request = TrainRequest(architecture="unet", settings={"steps": "1", "init": "scratch"}, device="cpu")
    assert create_run(place.home, place.database, request).warnings == (unlearned, leak)
    set_roles(place.database, "campus", "day", ["4.png"], "train")
    assert plan(place).warnings == ()


def test_labels_of_another_size_than_their_photo_are_refused_by_name(place):
    with place.database.write() as session:
        session.execute(update(Image).where(Image.path == "1.png").values(width=120))
    with pytest.raises(UserError, match=r"1 image of 'day': labels of another size.*1\.png"):
        plan(place)


def test_images_that_are_not_used_do_not_stop_a_training(place):
    set_roles(place.database, "campus", "day", ["1.png"], None)
    with place.database.write() as session:
        session.execute(update(Image).where(Image.path == "1.png").values(width=120))
    assert len(plan(place).images.train) == 2


def test_nothing_to_learn_is_refused(place, tmp_path):
    for number in range(3):
        write_labels(tmp_path / "day" / f"{number}.png", [rectangle("ignore", -1, -1, 140, 140)], SIZE)
    place.run_import(tmp_path / "day", project="campus", dataset="day")
    with pytest.raises(UserError, match="Every labelled pixel of the 3 images to train on is ignored"):
        plan(place)
