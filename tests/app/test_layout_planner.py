"""The planner: scenes off the caller's thread, the newest wish wins, and nothing is left behind."""

from __future__ import annotations

import threading
import time

from app.layout.child import Child, ask
from app.layout.compose import compose
from app.layout.outline import modules_open_at, outline_of
from app.layout.planner import Planner, Wish
from app.layout.scene import Scene
from tests.app import graphs


class Post:
    """Collects what is delivered."""

    def __init__(self) -> None:
        self.scenes: list[tuple[Wish, Scene]] = []
        self.came = threading.Event()
        self.threads: set[str] = set()

    def __call__(self, wish: Wish, scene: Scene) -> None:
        self.scenes.append((wish, scene))
        self.threads.add(threading.current_thread().name)
        self.came.set()


def wish_for(graph, detail: int = 9):
    outline = outline_of(graph)
    return Wish(graph.hash, modules_open_at(outline, detail), False), outline


def test_a_scene_is_delivered_from_another_thread_and_kept() -> None:
    post = Post()
    planner = Planner(post)
    wish, outline = wish_for(graphs.resnet18())
    planner.want(wish, outline)
    assert post.came.wait(10)
    assert planner.known(wish) is post.scenes[0][1]
    assert post.threads == {"layout"}
    planner.close()
    assert not any(thread.name == "layout" for thread in threading.enumerate())


def test_a_large_graph_is_laid_out_in_a_child_process_with_the_same_result() -> None:
    post = Post()
    planner = Planner(post)
    wish, outline = wish_for(graphs.gpt(30))
    planner.want(wish, outline)
    assert post.came.wait(60)
    planner.close()
    assert post.scenes[0][1].to_bytes() == compose(outline, wish.opened).to_bytes()


def test_a_newer_wish_replaces_an_older_one_that_still_runs() -> None:
    post = Post()
    planner = Planner(post)
    slow, slow_outline = wish_for(graphs.chain(60_000))
    planner.want(slow, slow_outline)
    time.sleep(0.3)
    quick, quick_outline = wish_for(graphs.quickstart())
    planner.want(quick, quick_outline)
    assert post.came.wait(30)
    assert [wish for wish, _ in post.scenes] == [quick]
    planner.close()


def test_a_child_that_takes_too_long_is_killed() -> None:
    outline = outline_of(graphs.chain(60_000))
    request = ask(outline.as_dict(), modules_open_at(outline, 9), False, dot=False)
    assert Child().run(request, limit_s=0.2) == b""


def test_a_child_that_fails_gives_nothing() -> None:
    assert Child().run(b"not json", limit_s=20) == b""


def test_after_closing_nothing_is_started() -> None:
    post = Post()
    planner = Planner(post)
    planner.close()
    planner.want(*wish_for(graphs.quickstart()))
    assert not post.scenes
