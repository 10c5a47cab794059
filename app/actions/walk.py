"""Running and walking."""

from __future__ import annotations

from .action import Action, Window


def _run_or_pause(window: Window) -> None:
    session = window.session
    if session.state == "running":
        session.pause()
    else:
        session.run()


ACTIONS = (
    Action("run.run", "Run or continue", "Run", lambda w: w.session.run(), "F5",
           "Start the script, or go on from where it stands.", "run", lambda s: s.can_run),
    Action("run.pause", "Pause", "Run", lambda w: w.session.pause(), "F6",
           "Stop at the next place where one can stand.", "pause", lambda s: s.state == "running"),
    Action("run.toggle", "Run or pause", "", _run_or_pause, "Space",
           "Run if it stands, pause if it runs.", "run", lambda s: s.can_run or s.state == "running", True),
    Action("run.stop", "Stop", "Run", lambda w: w.session.stop(), "Shift+F5", "End the run now.", "stop",
           lambda s: s.is_live),
    Action("run.restart", "Restart", "Run", lambda w: w.restart(), "Ctrl+Shift+F5",
           "End the run and start the script anew.", "restart",
           lambda s: not s.is_recording and s.state not in ("empty", "ready")),
    Action("run.step", "Step", "Run", lambda w: w.session.step("node"), "F10",
           "Run one node of backward.", "step", lambda s: s.can_step, separator=True),
    Action("run.back", "Step back", "Run", lambda w: w.session.step("back"), "Shift+F10",
           "Return to the state before, exactly.", "back",
           lambda s: s.can_step and s.state != "ready"),
    Action("run.over", "Step over module", "Run", lambda w: w.session.step("over"), "F11",
           "Run the nodes of this module.", enabled=lambda s: s.can_step),
    Action("run.to_end", "Run to the end of backward", "Run", lambda w: w.session.step("end"), "F8",
           "Run the rest of this backward.", "to_end", lambda s: s.can_step and s.state != "ready"),
    Action("run.to_start", "Back to the start of backward", "Run", lambda w: w.session.step("start"), "Shift+F8",
           "Return to before the first node.", "to_start", lambda s: s.can_step and s.state != "ready"),
    Action("run.next_iteration", "Next iteration", "Run", lambda w: w.session.step("iteration"), "F9",
           "Run to the first node of the next backward.", enabled=lambda s: s.can_step),
    Action("run.step_op", "Step one forward op", "Run", lambda w: w.session.step("op"), "F7",
           "Walk the forward: run one op.", enabled=lambda s: s.can_step and not s.is_recording),
    Action("run.next_optimizer", "Next optimizer step", "Run", lambda w: w.session.step("optimizer"), "Shift+F9",
           "Run to the next step of an optimizer.", enabled=lambda s: s.can_step and not s.is_recording),
    Action("run.to_selected", "Run to the selected node", "Run",
           lambda w: w.session.run_to(node=w.session.selection.id), "Ctrl+F10",
           "Go on until the selected node is about to run.",
           enabled=lambda s: s.selected_node is not None and s.can_step),
    Action("run.follow", "Back to the live run", "Run", lambda w: w.session.follow(), "Ctrl+End",
           "Put the playhead where the run is.",
           enabled=lambda s: s.is_live and not s.timeline.following, separator=True),
    Action("run.break_selected", "Stop at the selected node", "Run", lambda w: w.break_at_selected(), "B",
           "Set a breakpoint on the selected node, or take it away.",
           enabled=lambda s: s.selected_node is not None, canvas_only=True),
    Action("run.watch_selected", "Watch the selected node", "Run", lambda w: w.watch_selected(), "W",
           "Keep it in view at every stop.", enabled=lambda s: s.selected_node is not None, canvas_only=True),
    Action("run.edit_value", "Edit value", "Run", lambda w: w.edit_value(), "E",
           "Put another value in place where the run stands.",
           enabled=lambda s: s.state == "paused" and (s.selected_node or s.here) is not None, canvas_only=True),
)
