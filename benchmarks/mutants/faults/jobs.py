"""Faults of a job: shards cut and named, made whole or not at all, known again, counted, done by several at once."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

JOB, DOING, LAYOUT = "serving/batch/job.py", "serving/batch/doing.py", "serving/batch/layout.py"
HERE, STORED, LEASE = "serving/batch/here.py", "serving/batch/stored.py", "serving/batch/lease.py"
PART, RECEIPT, RESUMING = "serving/batch/part.py", "serving/batch/receipt.py", "serving/batch/resuming.py"
REFUSED, RUN, TASK = "serving/batch/refused.py", "serving/batch/run.py", "serving/batch/task.py"
OVERLAPPED, APART, SOURCES = "serving/batch/overlapped.py", "serving/batch/apart.py", "serving/batch/sources.py"
JUDGE, COUNTS, ORDER = "serving/batch/judge.py", "serving/counts.py", "serving/batch/order.py"
GIVING = "serving/batch/giving_back.py"

FOLDERS = ["serving/batch/test_resuming.py", "serving/batch/test_shards.py"]
TESTS = {
    JOB: ["serving/batch/test_job.py", *FOLDERS],
    DOING: ["serving/batch/test_job.py", "serving/batch/test_odd_files.py", *FOLDERS],
    LAYOUT: FOLDERS,
    HERE: ["serving/batch/test_here.py", *FOLDERS],
    STORED: ["serving/batch/test_stored.py", "serving/batch/test_lease.py"],
    LEASE: ["serving/batch/test_lease.py"],
    PART: ["serving/batch/test_part.py", "serving/batch/test_here.py", "serving/batch/test_job.py", *FOLDERS],
    GIVING: ["serving/batch/test_giving_back.py"],
    RECEIPT: FOLDERS,
    RESUMING: FOLDERS,
    REFUSED: FOLDERS,
    RUN: FOLDERS,
    TASK: ["serving/batch/test_task.py", "serving/batch/test_on_ray.py"],
    OVERLAPPED: ["serving/batch/test_overlapped.py"],
    APART: ["serving/batch/test_job.py", "serving/batch/test_sources.py", *FOLDERS],
    SOURCES: ["serving/batch/test_sources.py"],
    JUDGE: ["serving/batch/test_judge.py", "serving/batch/test_job.py"],
    COUNTS: ["serving/batch/test_job.py", "serving/batch/test_judge.py"],
    ORDER: ["serving/batch/test_task.py", "serving/batch/test_judge.py"],
}

MUTANTS = [
    Mutant(JOB, "todo = [shard for shard in shards if shard.number not in receipts]", "todo = list(shards)", "shards done again that are done"),
    Mutant(JOB, "                files.remove(layout.manifest)  # What it speaks of is not all there.\n", "                pass\n", "a manifest of what is not all there left"),
    Mutant(JOB, "    for source in known:\n        check_unchanged(source)\n", "", "a file that changed while its digest was taken"),
    Mutant(JOB, "            if not schema.equals(first):\n", "            if False:\n", "files with other columns in one job"),
    Mutant(JOB, "done = [receipts[shard.number] for shard in shards]", "done = [receipts[shard.number] for shard in shards if shard in todo]", "shards of an earlier run not counted"),
    Mutant(JOB, "rows=receipt.tally.read - receipt.tally.refused", "rows=receipt.tally.read", "refused rows counted as scored"),
    Mutant(DOING, "            check_unchanged(order.sources[piece.source])\n", "            pass\n", "a file that changes while it is read"),
    Mutant(DOING, "(piece.first_row or 0) + making.read[taken.piece]", "(piece.first_row or 0)", "rows refused by their place in a chunk"),
    Mutant(DOING, "        if self._order.strict and written.refused:\n", "        if False:\n", "strict forgotten"),
    Mutant(DOING, "        making.tally += written.tally\n", "        making.tally = written.tally\n", "only the last rows counted"),
    Mutant(DOING, "                self._making.part.abandon()\n", "                pass\n", "what is not finished left behind"),
    Mutant(DOING, "tuple(dict.fromkeys((*order.keep, *judge.columns.asked)))", "tuple(dict.fromkeys((*judge.columns.asked,)))", "a column to keep not read"),
    Mutant(LAYOUT, 'return f"{self.target}.manifest.json"', 'return f"{self.target}/manifest.json"', "the manifest among the shards"),
    Mutant(LAYOUT, 'return f"part-{number:05}{self.ending}"', 'return f"part-{number}{self.ending}"', "shards out of order by name"),
    Mutant(HERE, "if not _locked(handle, work / LOCK):", "if not _locked(handle, work / LOCK) and False:", "two jobs on one output"),
    Mutant(HERE, "                _sweep(work)\n                for", "                for", "what a killed job left kept"),
    Mutant(HERE, "                _leave(layout, work, made)\n", "                pass\n", "a folder of work left behind"),
    Mutant(HERE, "os.path.samestat(os.fstat(handle), file.stat())", "True", "a lock on a file that is gone"),
    Mutant(HERE, "        os.fsync(file.fileno())\n", "        pass\n", "a small file not on the disk"),
    Mutant(HERE, "            os.fsync(handle)\n", "            pass\n", "a name not on the disk"),
    Mutant(HERE, "            if error.errno != errno.EXDEV:\n                raise\n", "            raise\n", "a result on another disk refused"),
    Mutant(STORED, "        self.check()\n        system, path = Place(address).store\n        system.put_file", "        system, path = Place(address).store\n        system.put_file", "shards put though the lease is lost"),
    Mutant(STORED, "        with suppress(FileNotFoundError):\n            system.rm_file(path)\n", "        pass\n", "nothing taken away in a store"),
    Mutant(LEASE, "            if now != seen:\n                raise self._taken()\n", "", "a living owner taken for dead"),
    Mutant(LEASE, "                    self._lost.set()\n                    return\n", "                    return\n", "a lost lease not noticed"),
    Mutant(LEASE, "                self._turn += 1\n", "", "a living owner looks dead"),
    Mutant(LEASE, 'self._text(), mode="create")', "self._text())", "a lease written over another"),
    Mutant(PART, "                os.fsync(file.fileno())\n", "                pass\n", "a shard not on the disk"),
    Mutant(PART, "            self._hash.update(data)\n", "", "a digest of nothing"),
    Mutant(PART, "            self._writer.close()\n            for", "            for", "a file without its end"),
    Mutant(PART, "return piece, first_row + row,", "return piece, row,", "rows refused by their place in a chunk"),
    Mutant(PART, "                self._files.remove(self._layout.manifest)\n", "                pass\n", "a new file beside an old manifest"),
    Mutant(RECEIPT, "        if self != wanted:\n", "        if False:\n", "other columns taken for the same"),
    Mutant(RECEIPT, "            if point != was:\n", "            if point.bundle != was.bundle:\n", "another operating point taken for the same"),
    Mutant(RECEIPT, "            if one != two:\n", "            if one.path != two.path:\n", "another input of the same name taken for the same"),
    Mutant(RESUMING, "and files.size(layout.part(number)) == receipt.size", "", "a shard that is gone taken for done"),
    Mutant(RESUMING, "refused = not receipt.refused_lines or files.size(layout.turned_away(number)) is not None", "refused = True", "refusals that are gone forgotten"),
    Mutant(RESUMING, "if other is not None and layout.folder and not overwrite:", "if False:", "another job's shards written over unasked"),
    Mutant(RESUMING, "        if order.strict and receipt.refused_lines:\n", "        if False:\n", "refusals in a strict job"),
    Mutant(RESUMING, '        if not (overwrite and name.startswith("part-")):\n', "        if not overwrite:\n", "strange files taken away"),
    Mutant(RESUMING, "        files.remove(layout.manifest)  # It speaks of what goes now.\n", "", "a manifest of what is gone left"),
    Mutant(REFUSED, "(before[found.source] if found.first_row is None else 0)", "0", "rows of later shards counted from their start"),
    Mutant(REFUSED, "                before[found.source] += rows\n", "                before[found.source] = rows\n", "only the shard before counted"),
    Mutant(REFUSED, "        files.remove(layout.refused)\n", "        pass\n", "old refusals left"),
    Mutant(RUN, "if model.counts.read != rows + model.counts.refused:", "if False:", "counts that do not add up"),
    Mutant(TASK, "    if other := receipt.made.other(Made.of(order, judge, shard)):\n", "    if other := None:\n", "a worker that made something else believed"),
    Mutant(TASK, "    if refused:\n        raise", "    if False:\n        raise", "a refused shard taken for done"),
    Mutant(OVERLAPPED, "self._arrived.wait_for(lambda: number in self._found)\n            found = self._found.pop(number)", "self._arrived.wait_for(lambda: self._found)\n            found = self._found.pop(next(iter(self._found)))", "rows out of order"),
    Mutant(OVERLAPPED, "        if number:\n            self._room.release()\n", "        self._room.release()\n", "one more item in memory than said"),
    Mutant(OVERLAPPED, "            self._room.acquire()\n", "            pass\n", "a reader that runs ahead of the writer"),
    Mutant(APART, "if path.is_file() and source.samefile(path):", "if False:", "a file written over itself"),
    Mutant(APART, "    if _within(layout.target, asked):\n", "    if False:\n", "a result within what is read"),
    Mutant(SOURCES, "return tuple(sorted(found, key=str))", "return tuple(sorted(found, key=str, reverse=True))", "files in another order"),
    Mutant(SOURCES, 'part.startswith((".", "_"))', 'part.startswith(".")', "files in the making read"),
    Mutant(JUDGE, '"bundle": scorer.bundle.digest,', '"bundle": scorer.bundle.name,', "a file that does not say which model it was"),
    Mutant(JUDGE, "cells(np.zeros(rows, dtype=np.int8))", "cells(np.zeros(rows - 1, dtype=np.int8))", "rows without an operating point"),
    Mutant(COUNTS, "positive=self.positive + other.positive", "positive=self.positive + other.positive + other.indeterminate", "undecided counted as positive too"),
    Mutant(COUNTS, "return cls(models=(Counts(read=rows, refused=rows),) * models", "return cls(models=(Counts(read=rows, indeterminate=rows),) * models", "refused counted as undecided"),
    Mutant(ORDER, "        if bundle.digest != asked.bundle:\n", "        if False:\n", "another bundle than the one meant"),
    Mutant(GIVING, "ctypes.CDLL(None).malloc_trim(0)", "ctypes.CDLL(None)", "memory kept that nobody uses"),
    Mutant(GIVING, "suppress(AttributeError, OSError, TypeError)", "suppress(AttributeError)", "no job where the C library is another"),
]  # fmt: skip
