/** The type, or the field of it, that is selected on the map. */
export interface GraphSelection {
  type: string;
  field: string | undefined;
}
