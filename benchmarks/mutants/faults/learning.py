"""Faults in what learns: terms, their undo, which epoch is kept, what is compared with what."""

from __future__ import annotations

from benchmarks.mutants.fault import Mutant

PULL, UNDO, KEEPER, LABELS = "training/pull.py", "training/undo.py", "training/keeper.py", "training/labels.py"
NET, TABLE, SPLIT, CASES = "training/net.py", "training/pull_table.py", "training/split.py", "training/cases.py"
BINS, LOOKING, GRADE = "training/numbers/piecewise_linear.py", "training/looking.py", "training/answers/grade.py"

TESTS = {
    PULL: ["training/test_pull.py", "training/test_fit.py"],
    UNDO: ["training/test_undo.py", "training/test_fit.py"],
    KEEPER: ["training/test_fit.py", "training/test_pull.py"],
    LABELS: ["training/test_labels.py", "training/test_references.py"],
    NET: ["training/test_pull.py", "training/test_every_network.py", "training/test_network.py"],
    TABLE: ["training/test_pull.py"],
    SPLIT: ["training/test_split.py"],
    CASES: ["training/test_pull.py", "training/test_generated.py"],
    BINS: ["training/test_every_numbers_embedding.py"],
    LOOKING: ["training/test_looking.py"],
    GRADE: ["training/test_every_answer.py"],
}

MUTANTS = [
    Mutant(PULL, "return taps[term.against].detach()", "return taps[term.against]", "what is compared with pulled on too"),
    Mutant(PULL, "output, target = output[known], target[known]", "target = torch.nan_to_num(target)", "unknown labels learnt as 0"),
    Mutant(PULL, "target = target.unsqueeze(1).expand(", "target = target.flip(0).unsqueeze(1).expand(", "members told other people's labels"),
    Mutant(PULL, "return ((values * mix).sum(dim=0)", "return (values.sum(dim=0)", "held out cases in another mix"),
    Mutant(PULL, "changed = bool(self.by) and now != self.now", "changed = False", "losses of other epochs compared"),
    Mutant(PULL, "value = value * weights[self.weighed.index(place)]", "value = value * 1.0", "uncertainty that weighs nothing"),
    Mutant(UNDO, "np.log(rising[good]) - np.log(falling[good])", "np.log(rising[good])", "half an undo"),
    Mutant(UNDO, "total = total + weight * module(", "total = total + module(", "a mixture undone as if all weighed the same"),
    Mutant(UNDO, 'return plain.model_copy(update={"undo": "teacher", "sampling_log_ratio": 0.0})', 'return plain.model_copy(update={"undo": "teacher"})', "a teacher's logits shifted by the sampling"),
    Mutant(UNDO, "if away[worst] > EXACT:", "if away[worst] > 1.0:", "a map of two points"),
    Mutant(UNDO, "model.terms[place].weight / (pull.scales[place] if pull else 1.0)", "1.0", "weights of terms forgotten"),
    Mutant(KEEPER, "if epoch.region < self.top - self.noise or any(", "if any(", "epochs far from the best region kept"),
    Mutant(KEEPER, "beside = {} if pull is None else pull.state_dict()", "beside = {}", "what learnt beside the network lost"),
    Mutant(KEEPER, "return torch.where(targets > 0, model.sampling.rate(targets), 1.0)", "return torch.ones_like(targets)", "validation in the natural mix"),
    Mutant(LABELS, 'sorted(cells["training"]', 'sorted(cells["validation"]', "classes numbered by cases that are held out"),
    Mutant(LABELS, "if rule := symptom.answer.refused(known):", "if False:", "a sign of 7 learnt"),
    Mutant(LABELS, "if encoded.refused:", "if False:", "rows outside the schema learnt from"),
    Mutant(NET, "return values if self.training else values.mean(dim=1)", "return values if self.training else values[:, 0]", "one member answers for all"),
    Mutant(NET, "/ len(self.weight)", "/ 1.0", "members summed"),
    Mutant(NET, 'name.rpartition(".")[2] == "weight"', "True", "scales of members shrunk too"),
    Mutant(TABLE, "* rows**0.5", "* 1.0", "pulls that depend on the batch"),
    Mutant(TABLE, "if epoch & (epoch - 1):", "if epoch > 1:", "one look alone"),
    Mutant(SPLIT, "order = random.permutation(rows)", "order = rows", "always the first eye"),
    Mutant(CASES, "1.0 if name == head else torch.nan", "1.0", "made up people with made up symptoms"),
    Mutant(BINS, "lowest[at, 0], highest[at, count - 1] = -torch.inf, torch.inf", "pass", "nothing beyond the training part"),
    Mutant(BINS, "groups=columns)", "groups=1)", "columns mixed"),
    Mutant(LOOKING, "found.update(value.cpu().numpy().tobytes())", "pass", "another encoder's answers"),
    Mutant(GRADE, "above = above * steps[:, step]", "above = steps[:, step]", "steps that do not depend on those before"),
]  # fmt: skip
