/** Rows as `insertCustomers` makes them, for whoever doesn't read them from the table. */
export interface CustomerRow {
  readonly id: number;
  readonly email: string;
  readonly name: string;
  readonly phone: string | null;
  readonly city: string | null;
}

export function rowOf(id: number): CustomerRow {
  return { id, email: `customer${id}@example.com`, name: `Customer number ${id}`, phone: `+39 06 ${id}`, city: 'Rome' };
}

export function rowsOf(count: number): CustomerRow[] {
  return Array.from({ length: count }, (_, index) => rowOf(index + 1));
}
