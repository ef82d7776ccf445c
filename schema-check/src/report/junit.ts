// For CI servers: one case for each question, failed by its errors, skipped when it was not asked; the rest is
// its output.

import { type Finding, type Report, type Section, sections } from "../check.ts";
import { approvedBy, placeOf, TITLES, users } from "./words.ts";

export function junit({ findings, remarks, couldNotRun }: Report): string {
  const asked = sections.filter((section) => (section === "run") === Boolean(couldNotRun));
  const cases = asked.map((section) =>
    testCase(
      section,
      findings.filter((finding) => finding.section === section),
      remarks.find(({ skips }) => skips.includes(section))?.text,
    ),
  );
  const count = (outcome: TestCase["outcome"]) =>
    cases.filter((each) => each.outcome === outcome).length;
  const counts = `tests="${cases.length}" failures="${count("failure")}" errors="${count("error")}"`;
  const skipped = `skipped="${count("skipped")}"`;
  const said =
    remarks.length > 0
      ? `    <system-out>${xmlText(remarks.map(({ text }) => text).join("\n"))}</system-out>\n`
      : "";
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="lyceum-schema" ${counts}>
  <testsuite name="check" ${counts} ${skipped} time="0">
${cases.map(({ xml }) => xml).join("\n")}
${said}  </testsuite>
</testsuites>
`;
}

interface TestCase {
  /** An error is a question without an answer. */
  outcome?: "failure" | "error" | "skipped";
  xml: string;
}

function testCase(
  section: Section,
  findings: readonly Finding[],
  skipped: string | undefined,
): TestCase {
  const head = `    <testcase classname="lyceum-schema.${section}" name="${xmlText(TITLES[section])}" time="0"`;
  if (findings.length === 0 && skipped !== undefined) {
    const body = `<skipped>${xmlText(skipped)}</skipped>`;
    return { outcome: "skipped", xml: `${head}>\n      ${body}\n    </testcase>` };
  }
  const errors = findings.filter(({ severity }) => severity === "error");
  const others = findings.filter(({ severity }) => severity !== "error");
  const outcome = errors.length > 0 ? (section === "run" ? "error" : "failure") : undefined;
  const fault = outcome
    ? `\n      <${outcome} message="${xmlText(errors[0]?.message ?? "")}" type="${section}">${xmlText(errors.map(line).join("\n"))}</${outcome}>`
    : "";
  const output =
    others.length > 0
      ? `\n      <system-out>${xmlText(others.map(line).join("\n"))}</system-out>`
      : "";
  const body = fault + output;
  return { outcome, xml: body ? `${head}>${body}\n    </testcase>` : `${head}/>` };
}

function line(finding: Finding): string {
  const { severity, level, kind, path, message, hint } = finding;
  const head = [severity, level, kind, path].filter(Boolean).join(" ");
  const rest = [placeOf(finding), users(finding), approvedBy(finding), hint].filter(Boolean);
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
