// For CI servers: one case for each question, failed by its errors; the rest is its output.

import { type Finding, type Report, type Section, sections } from "../check.ts";
import { approvedBy, placeOf, TITLES, users } from "./words.ts";

export function junit(report: Report): string {
  const cases = sections.map((section) =>
    testCase(
      section,
      report.findings.filter((finding) => finding.section === section),
    ),
  );
  const failures = cases.filter(({ failed }) => failed).length;
  const counts = `tests="${cases.length}" failures="${failures}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="lyceum-schema" ${counts}>
  <testsuite name="check" ${counts} errors="0" skipped="0" time="0">
${cases.map(({ xml }) => xml).join("\n")}
  </testsuite>
</testsuites>
`;
}

function testCase(section: Section, findings: readonly Finding[]) {
  const errors = findings.filter(({ severity }) => severity === "error");
  const others = findings.filter(({ severity }) => severity !== "error");
  const failure =
    errors.length > 0
      ? `\n      <failure message="${xmlText(errors[0]?.message ?? "")}" type="${section}">${xmlText(errors.map(line).join("\n"))}</failure>`
      : "";
  const output =
    others.length > 0
      ? `\n      <system-out>${xmlText(others.map(line).join("\n"))}</system-out>`
      : "";
  const body = failure + output;
  const head = `    <testcase classname="lyceum-schema.${section}" name="${xmlText(TITLES[section])}" time="0"`;
  return { failed: failure !== "", xml: body ? `${head}>${body}\n    </testcase>` : `${head}/>` };
}

function line(finding: Finding): string {
  const { severity, level, kind, path, message } = finding;
  const head = [severity, level, kind, path].filter(Boolean).join(" ");
  const rest = [placeOf(finding), users(finding), approvedBy(finding)].filter(Boolean);
  return `${head}: ${message}${rest.length > 0 ? ` (${rest.join("; ")})` : ""}`;
}

function xmlText(text: string): string {
  return (
    text
      // What XML 1.0 has no way to write.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
  );
}
