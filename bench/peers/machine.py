"""The machine in a line: what a timing means nothing without."""
import datetime
import os


def machine():
    """Processor, its family and model (virtual machines often hide the name), widest vectors, processors at hand."""
    with open("/proc/cpuinfo") as file:
        first = file.read().split("\n\n")[0]
    cpu = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}
    flags = set(cpu.get("flags", "").split())
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if {"avx2", "fma"} <= flags else "SSE2"
    return (f"{cpu.get('model name', 'unknown')} (family {cpu.get('cpu family', '?')}, model {cpu.get('model', '?')}), "
            f"{vectors}, {len(os.sched_getaffinity(0))} processors")


def today():
    return datetime.date.today().isoformat()
