// Paths from the root of the repository, as code hosts expect them, wherever in it the command runs.

import type { Location } from "../problem.ts";
import type { Finding, Report } from "./report.ts";

/** `relativeToRoot`: undefined for a file outside of the repository. */
export function rooted(
  report: Report,
  relativeToRoot: (file: string) => string | undefined,
): Report {
  const known = new Map<string, string>();
  const fileOf = (file: string): string => {
    const found = known.get(file) ?? (isUrl(file) ? file : (relativeToRoot(file) ?? file));
    known.set(file, found);
    return found;
  };
  const at = <T extends Location | undefined>(location: T): T =>
    location && { ...location, file: fileOf(location.file) };
  const operation = (each: Finding["affected"][number]) => ({
    ...each,
    location: at(each.location),
  });
  return {
    ...report,
    config: report.config && fileOf(report.config),
    findings: report.findings.map((finding) => ({
      ...finding,
      location: at(finding.location),
      affected: finding.affected.map(operation),
    })),
    plans: report.plans.map((plan) => ({ ...plan, operation: operation(plan.operation) })),
  };
}

const isUrl = (file: string): boolean => /^https?:/.test(file);
