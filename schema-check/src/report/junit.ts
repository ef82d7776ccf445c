// JUnit XML for CI servers: one test case per section. Errors fail it, a section that was not checked is skipped,
// and other findings are its output.

import { type Finding, type Report, type Section, sections } from "./report.ts";
import { approvedBy, locationOf, TITLES, usedBy } from "./text.ts";

export function junit({ findings, skippedChecks, couldNotRun }: Report): string {
  const relevant = sections.filter((section) => (section === "run") === Boolean(couldNotRun));
  const cases = relevant.map((section) =>
    testCase(
      section,
      findings.filter((finding) => finding.section === section),
      skippedChecks.find(({ skips }) => skips.includes(section))?.text,
    ),
  );
  const count = (outcome: TestCase["outcome"]) =>
    cases.filter((each) => each.outcome === outcome).length;
  const counts = `tests="${cases.length}" failures="${count("failure")}" errors="${count("error")}"`;
  const skipped = `skipped="${count("skipped")}"`;
  const systemOut =
    skippedChecks.length > 0
      ? `    <system-out>${xmlText(skippedChecks.map(({ text }) => text).join("\n"))}</system-out>\n`
      : "";
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="lyceum-schema" ${counts}>
  <testsuite name="check" ${counts} ${skipped} time="0">
${cases.map(({ xml }) => xml).join("\n")}
${systemOut}  </testsuite>
</testsuites>
`;
}

interface TestCase {
  /** `error`: the check could not run. */
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
  const failure = outcome
    ? `\n      <${outcome} message="${xmlText(errors[0]?.message ?? "")}" type="${section}">${xmlText(errors.map(line).join("\n"))}</${outcome}>`
    : "";
  const output =
    others.length > 0
      ? `\n      <system-out>${xmlText(others.map(line).join("\n"))}</system-out>`
      : "";
  const body = failure + output;
  return { outcome, xml: body ? `${head}>${body}\n    </testcase>` : `${head}/>` };
}

function line(finding: Finding): string {
  const { severity, level, kind, path, message, hint } = finding;
  const head = [severity, level, kind, path].filter(Boolean).join(" ");
  const rest = [locationOf(finding), usedBy(finding), approvedBy(finding), hint].filter(Boolean);
  return `${head}: ${message}${rest.length > 0 ? ` (${rest.join("; ")})` : ""}`;
}

function xmlText(text: string): string {
  return (
    text
      // Characters that XML 1.0 cannot represent.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters on purpose
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
  );
}
