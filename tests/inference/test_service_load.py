"""1,000 requests from 4 clients to a real process: no error, equal answers, and the memory stays."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from served import locate, noise, running, small_run

CLIENTS, REQUESTS, WARM = 4, 1000, 200
FEW, OTHER = 6, 20  # images that are asked for again and again, and every so often another one
MOST_GROWTH_MB = 20.0


def memory_mb(process: int) -> float:
    """Resident memory."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (found,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(found.split()[1]) / 1024


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_a_thousand_requests_of_four_clients(tmp_path: Path) -> None:
    def ask(client: httpx.Client, number: int) -> tuple[int, int, list[float]]:
        """Every second time with another hint, every third with the id of an image that was sent before."""
        place = 100 + number if number % OTHER == 0 else number % FEW
        hint = {"position_m": f"{place},2,1", "sigma_m": "2"} if number % 2 else {}
        response = locate(client, noise(place), **hint)
        if number % 3 == 0 and response.status_code == 200:
            response = locate(client, None, image_id=response.json()["image_id"], **hint)
            if response.status_code == 404:  # eight others were sent meanwhile
                response = locate(client, noise(place), **hint)
        assert response.status_code == 200, response.text
        return place, number % 2, response.json()["position_m"]

    with running(small_run(tmp_path)) as (process, first):
        clients = [
            httpx.Client(base_url=first.base_url, timeout=60, trust_env=False)
            for _ in range(CLIENTS)
        ]
        with ThreadPoolExecutor(CLIENTS) as pool:

            def run(numbers: range) -> list[tuple[int, int, list[float]]]:
                jobs = [pool.submit(ask, clients[n % CLIENTS], n) for n in numbers]
                return [job.result() for job in jobs]

            answers = run(range(WARM))
            before_mb = memory_mb(process.pid)
            answers += run(range(WARM, REQUESTS))
        grown_mb = memory_mb(process.pid) - before_mb
        assert first.get("/health").json()["waiting"] == 0
        for client in clients:
            client.close()
    assert len(answers) == REQUESTS
    # equal requests have equal answers
    assert len({(place, hinted, *position) for place, hinted, position in answers}) == len(
        {(place, hinted) for place, hinted, _ in answers}
    )
    assert grown_mb < MOST_GROWTH_MB
