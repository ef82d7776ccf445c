// Who may see and change a course.

import type { Viewer } from "./permissions.ts";
import type { Course } from "./rows.ts";

export function isManager(course: Course, viewer: Viewer): boolean {
  return viewer.role === "ADMIN" || viewer.id === course.teacherId;
}

export function isVisible(course: Course, viewer: Viewer): boolean {
  return course.state !== "DRAFT" || isManager(course, viewer);
}
