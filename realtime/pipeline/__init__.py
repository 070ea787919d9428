"""One frame, from the camera to the outputs. Start reading in `render_loop.py`.

    capture.py        camera thread: a source is read, and opened again when it is lost; source_clock.py: its time
    processing.py     processing thread: takes the newest frame; frame_maker.py: the order of all that is done to it
    effect_chain.py   the effects, one after the other; effect_slot.py: one of them; effect_calls.py: every call into it
    effect_menu.py    which effects are wanted; effect_exchange.py: what waits to take another's place
    exchange_plan.py  what the chain becomes then; cross_fade.py: softly
    marking.py        the label, and how the picture was made
    output_group.py   every output is offered the picture; output_worker.py: one of them, at its own pace
    pacing.py         mailboxes between the threads, and the beat a device is fed on
    turn.py           a thread's right to go on, which a hung one loses; restarts.py: when, and how often
    run_end.py        how a run ends

Which threads there are, and what becomes of one that hangs: docs/architecture.md, docs/reliability.md.
"""
