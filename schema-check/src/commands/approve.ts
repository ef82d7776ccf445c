import { approvalOf, changeId, definitionsOf, isFor, printApprovals } from "../approvals.ts";
import { isApprovable } from "../check.ts";
import { type Command, options, required } from "../command.ts";
import { comparisonOptions, loadComparison } from "../comparison.ts";
import { writeText } from "../files.ts";
import { CouldNotRun, exitCode, formatProblem } from "../problem.ts";

export const approveCommand: Command = {
  summary:
    "write down that a breaking change, or one of who may see what, is meant: it, and no other, no longer fails the check",
  usage: `approve --change 'KIND PATH' --reason TEXT --author NAME [the options of check that say what is compared]`,
  details: `      KIND PATH as the check prints it, such as 'FIELD_REMOVED Course.title'. Approvals of what is no longer
      a change, and those that were merged before, are taken out of the file at the same time.`,

  async run(args, output) {
    const { change, reason, author, ...where } = options(args, {
      ...comparisonOptions,
      change: { type: "string" },
      reason: { type: "string" },
      author: { type: "string" },
    });
    const wanted = text(change, "--change");
    const given = { reason: text(reason, "--reason"), author: text(author, "--author") };

    const { graph, approvals, baseline } = await loadComparison(where);
    if (!graph.composes) {
      for (const problem of graph.problems) output.say(formatProblem(problem));
      return exitCode.broken;
    }
    const approvable = graph.changes.filter(isApprovable);
    const found = approvable.filter((each) => changeId(each) === wanted);
    if (!baseline || found.length === 0) {
      const known = approvable.map(changeId).join(", ") || "there is none";
      throw new CouldNotRun({
        code: "NO_SUCH_CHANGE",
        message: `there is no change "${wanted}" here that needs an approval; those that do: ${known}`,
      });
    }

    const on = new Date().toISOString().slice(0, 10);
    const against = baseline.commit?.id ?? baseline.name;
    const kept = approvals.filter((approval) => approvable.some((each) => isFor(approval, each)));
    const added = found
      .filter((each) => !approvalOf(each, kept))
      .map((each) => {
        const definitions = definitionsOf(each);
        return { change: wanted, message: each.message, definitions, ...given, on, against };
      });
    output.say(writeText(where.approvals, printApprovals([...kept, ...added])));
    for (const { message } of found) output.say(`approved, against ${baseline.name}: ${message}`);
    return exitCode.clean;
  },
};

function text(value: string | undefined, option: string): string {
  const given = required(value, option).trim();
  if (given === "") throw new CouldNotRun({ code: "USAGE", message: `${option} is empty` });
  return given;
}
