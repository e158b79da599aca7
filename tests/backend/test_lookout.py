"""Who waits for runs or sweeps hears of each change, and of no other; all are told by one look."""

import asyncio
from uuid import uuid4

from backend.lookout import Lookout
from mgic.errors import NotFound


class Places:
    """Things with a number each, and how often somebody has looked at them."""

    def __init__(self, *things) -> None:
        self.state, self.looks = dict.fromkeys(things, 0), []

    def look(self, things):
        self.looks.append(set(things))
        return {thing: self.state[thing] for thing in things if thing in self.state}

    def read(self, thing):
        if thing not in self.state:
            raise NotFound("gone")
        return self.state[thing]


class Connected:
    async def is_disconnected(self) -> bool:
        return False


async def always() -> bool:
    return True


def test_a_change_ends_the_wait_of_those_who_wait_for_it_and_of_nobody_else():
    first, second = uuid4(), uuid4()
    places = Places(first, second)
    lookout = Lookout(places.look)

    async def wait():
        one = [asyncio.create_task(lookout.after(first, places.read, lambda _: False, 20)) for _ in range(50)]
        other = asyncio.create_task(lookout.after(second, places.read, lambda _: False, 50))
        while sum(map(len, lookout._waiting.values())) < 51:
            await asyncio.sleep(0.01)
        places.looks.clear()
        places.state[first] = 7
        found = await asyncio.gather(*one)
        assert not other.done()
        return found

    assert asyncio.run(asyncio.wait_for(wait(), 60)) == [7] * 50
    assert len(places.looks) < 15, "each of 51 would have looked by itself"


def test_what_has_ended_is_not_waited_for():
    thing = uuid4()
    places = Places(thing)
    assert asyncio.run(Lookout(places.look).after(thing, places.read, lambda _: True, 20)) == 0


def test_a_listener_hears_of_each_change_until_the_thing_is_gone():
    thing = uuid4()
    places, heard = Places(thing), []
    lookout = Lookout(places.look)

    async def listen():
        async for found in lookout.listen(thing, places.read, Connected(), always):
            heard.append(found)
            if found < 3:
                places.state[thing] += 1
            else:
                del places.state[thing]

    asyncio.run(asyncio.wait_for(listen(), 60))
    assert heard == [0, 1, 2, 3]
