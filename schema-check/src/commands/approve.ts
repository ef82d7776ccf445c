import { approves, changeId, definitionsHash, findApproval, printApprovals } from "../approvals.ts";
import { isApprovable } from "../check.ts";
import { type Command, parseOptions, requireOption } from "../command.ts";
import { comparisonOptions, loadComparison } from "../comparison.ts";
import { writeText } from "../files.ts";
import { CouldNotRun, exitCode, formatProblem } from "../problem.ts";

export const approveCommand: Command = {
  async run(args, output) {
    const { change, reason, author, ...where } = parseOptions(args, {
      ...comparisonOptions,
      change: { type: "string" },
      reason: { type: "string" },
      author: { type: "string" },
    });
    const wanted = text(change, "--change");
    const given = { reason: text(reason, "--reason"), author: text(author, "--author") };

    const { graph, approvals, approvalsFile, baseline } = await loadComparison(where);
    if (!graph.composes) {
      for (const problem of graph.problems) output.log(formatProblem(problem));
      return exitCode.failed;
    }
    const ofContracts = graph.contracts.flatMap((each) => each.changes);
    const approvable = [...graph.changes, ...ofContracts].filter(isApprovable);
    const found = approvable.filter((each) => changeId(each) === wanted);
    if (!baseline || found.length === 0) {
      const known = approvable.map(changeId).join(", ") || "none";
      throw new CouldNotRun({
        code: "NO_SUCH_CHANGE",
        message: `no change "${wanted}" needs an approval; changes that do: ${known}`,
      });
    }

    const on = new Date().toISOString().slice(0, 10);
    const against = baseline.commit?.id ?? baseline.name;
    const kept = approvals.filter((approval) =>
      approvable.some((each) => approves(approval, each)),
    );
    const added = found
      .filter((each) => !findApproval(each, kept))
      .map((each) => {
        const definitions = definitionsHash(each);
        return { change: wanted, message: each.message, definitions, ...given, on, against };
      });
    output.log(writeText(approvalsFile, printApprovals([...kept, ...added])));
    for (const { message } of found) output.log(`approved against ${baseline.name}: ${message}`);
    return exitCode.passed;
  },
};

function text(value: string | undefined, option: string): string {
  const given = requireOption(value, option).trim();
  if (given === "") throw new CouldNotRun({ code: "USAGE", message: `${option} is empty` });
  return given;
}
