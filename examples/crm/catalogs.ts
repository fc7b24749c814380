/** The hub's side: two main classes. Their tables are created, or checked where they exist. */
import { z } from 'zod';
// In a project of yours: from 'syncflow'
import { Catalog, references } from '../../src/index.js';

export class Company extends Catalog({
  name: 'company',
  key: 'id',
  fields: { id: z.int(), name: z.string().min(1) },
}) {}

export class Contact extends Catalog({
  name: 'contact',
  key: 'id',
  fields: {
    id: z.int(),
    first_name: z.string().min(1),
    last_name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    stage: z.enum(['lead', 'customer']),
    company_id: references(Company).nullable(),
  },
}) {}
